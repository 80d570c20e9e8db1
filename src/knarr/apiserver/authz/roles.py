"""Roles: what the holders of an identity may do.

`may` maps `resource[.group][/subresource]` to verbs, both in words parted by blanks; "*" is any. `paths` are
non-resource paths, a trailing "*" standing for anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from knarr.apiserver.info import RequestInfo


@dataclass(frozen=True, slots=True)
class Role:
    """A set of rights; `own` names resources that a holder may write only under its own name (a node, its lease)."""

    name: str
    may: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


class Rights:
    """A role, made fast to ask."""

    __slots__ = ("_exact", "_own", "_prefixes", "_verbs")

    def __init__(self, role: Role) -> None:
        self._verbs = {
            resource: frozenset(verbs.split()) for words, verbs in role.may.items() for resource in words.split()
        }
        self._exact = frozenset(path for path in role.paths if not path.endswith("*"))
        self._prefixes = tuple(path[:-1] for path in role.paths if path.endswith("*"))
        self._own = role.own

    def allow(self, info: RequestInfo, own_name: str = "") -> bool:
        if not info.is_resource:
            return info.path in self._exact or info.path.startswith(self._prefixes)
        target = resource_of(info)
        verbs = self._verbs.get(target) or self._verbs.get("*") or frozenset()
        if info.verb not in verbs and "*" not in verbs:
            return False
        writes = info.verb not in ("get", "list", "watch", "create")
        return not (writes and target.partition("/")[0] in self._own) or info.name == own_name


def resource_of(info: RequestInfo) -> str:
    """The resource as roles name it: `deployments.apps/scale`."""
    resource = info.qualified_resource
    return f"{resource}/{info.subresource}" if info.subresource else resource


def resource_rules(role: Role) -> Iterator[dict[str, Any]]:
    """A role's rights on resources, as a SelfSubjectRulesReview lists them."""
    for words, verbs in role.may.items():
        for word in words.split():
            target, slash, subresource = word.partition("/")
            resource, _, group = target.partition(".")
            groups = ["*"] if word == "*" else [group]
            yield {"verbs": verbs.split(), "apiGroups": groups, "resources": [f"{resource}{slash}{subresource}"]}


def path_rules(role: Role) -> Iterator[dict[str, Any]]:
    if role.paths:
        yield {"verbs": ["*"] if role.paths == ("*",) else ["get"], "nonResourceURLs": list(role.paths)}
