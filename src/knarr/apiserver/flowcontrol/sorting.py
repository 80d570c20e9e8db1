"""Which flow schema a request belongs to."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.authn.users import User, account_name
from knarr.apiserver.flowcontrol.configuration import Schema
from knarr.apiserver.info import RequestInfo

_EVERY = "*"


def in_order(schemas: Iterable[Schema]) -> list[Schema]:
    """The order in which they are asked: the lowest precedence first."""
    return sorted(schemas, key=lambda schema: (schema.precedence, schema.name))


def matches(schema: Schema, user: User, info: RequestInfo) -> bool:
    """Whether a rule is about this user and this request."""
    return any(
        any(_is(subject, user) for subject in each(rule, "subjects")) and _about(rule, info) for rule in schema.rules
    )


def distinguisher(schema: Schema, user: User, info: RequestInfo) -> str:
    """What tells the flows of a schema apart."""
    return {"ByUser": user.name, "ByNamespace": info.namespace}.get(schema.by, "")


def _is(subject: JSON, user: User) -> bool:
    match subject.get("kind"):
        case "User":
            return dig(subject, "user.name") in (_EVERY, user.name)
        case "Group":
            name = dig(subject, "group.name")
            return name == _EVERY or name in user.groups
        case "ServiceAccount":
            prefix, name = account_name(dig(subject, "serviceAccount.namespace"), ""), user.name
            wanted = dig(subject, "serviceAccount.name")
            return name.startswith(prefix) and wanted in (_EVERY, name.removeprefix(prefix))
    return False


def _about(rule: JSON, info: RequestInfo) -> bool:
    if info.is_resource:
        return any(_about_resource(each, info) for each in rule.get("resourceRules") or ())
    return any(
        _has(each.get("verbs"), info.verb) and _has_path(each.get("nonResourceURLs") or (), info.path)
        for each in rule.get("nonResourceRules") or ()
    )


def _about_resource(rule: JSON, info: RequestInfo) -> bool:
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    if not (_has(rule.get("verbs"), info.verb) and _has(rule.get("apiGroups"), info.group)):
        return False
    if not _has(rule.get("resources"), resource):
        return False
    return _has(rule.get("namespaces"), info.namespace) if info.namespace else bool(rule.get("clusterScope"))


def _has(said: Collection[str] | None, value: str) -> bool:
    return said is not None and (_EVERY in said or value in said)


def _has_path(patterns: Iterable[str], path: str) -> bool:
    return any(
        pattern in (_EVERY, path) or (pattern.endswith("/*") and path.startswith(pattern[:-1])) for pattern in patterns
    )
