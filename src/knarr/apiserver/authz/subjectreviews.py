"""The SubjectAccessReview: what a webhook is asked about a request, and what its answer means. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/webhook/#request-payloads
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Decision, Verdict
from knarr.apiserver.info import RequestInfo
from knarr.machinery.selectors import SelectorError, parse_fields, parse_labels

GROUP, KIND = "authorization.k8s.io", "SubjectAccessReview"
_LARGEST = 10_000  # characters of what a client may make up, for an answer to be remembered
_OPERATORS = {
    "in": "In",
    "=": "In",
    "==": "In",
    "notin": "NotIn",
    "!=": "NotIn",
    "exists": "Exists",
    "!": "DoesNotExist",
}
_ATTRIBUTES = ("namespace", "verb", "group", "version", "resource", "subresource", "name")


class ReviewError(Exception):
    """An answer that is none; the message says why."""


def spec_of(user: User, info: RequestInfo) -> JSON:
    """The question, without what is empty."""
    subject: JSON = {
        "user": user.name,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
        "uid": user.uid,
    }
    return {**_about(info), **_filled(subject)}


def _about(info: RequestInfo) -> JSON:
    if not info.is_resource:
        return {"nonResourceAttributes": _filled({"path": info.path, "verb": info.verb})}
    selectors = {"fieldSelector": _required(_fields(info)), "labelSelector": _required(_labels(info))}
    return {"resourceAttributes": _filled({**{n: getattr(info, n) for n in _ATTRIBUTES}, **selectors})}


def _filled(tree: JSON) -> JSON:
    return {name: value for name, value in tree.items() if value}


def _required(requirements: Iterator[JSON]) -> JSON:
    found = list(requirements)
    return {"requirements": found} if found else {}


def _fields(info: RequestInfo) -> Iterator[JSON]:
    """What cannot be understood only narrows the request: the webhook may judge without."""
    try:
        selector = parse_fields(info.field_selector)
    except SelectorError:
        return
    for term in selector.requirements:
        yield {"key": term.field, "operator": "In" if term.equal else "NotIn", "values": [term.value]}


def _labels(info: RequestInfo) -> Iterator[JSON]:
    try:
        selector = parse_labels(info.label_selector)
    except SelectorError:
        return
    for term in selector.requirements:
        if operator := _OPERATORS.get(term.operator):  # the others, the API of authorization does not know
            values = {"values": sorted(term.values)} if term.values else {}
            yield {"key": term.key, "operator": operator, **values}


def whole(spec: JSON) -> JSON:
    """The question as expressions see it: text that is empty is there."""
    found: JSON = {"user": "", "groups": [], "uid": "", "extra": {}, **spec}
    if about := spec.get("resourceAttributes"):
        found["resourceAttributes"] = {**dict.fromkeys(_ATTRIBUTES, ""), **about}
    if about := spec.get("nonResourceAttributes"):
        found["nonResourceAttributes"] = {"path": "", "verb": "", **about}
    return found


def may_be_remembered(info: RequestInfo) -> bool:
    """Whether the question is of a decent size: somebody may want to fill the memory."""
    return sum(len(getattr(info, name)) for name in (*_ATTRIBUTES, "path")) < _LARGEST


def review(version: str, spec: JSON) -> bytes:
    """The body to be sent; v1beta1 says `group` for what is a list."""
    if version == "v1beta1" and "groups" in spec:
        spec = {("group" if name == "groups" else name): value for name, value in spec.items()}
    return msgspec.json.encode({"kind": KIND, "apiVersion": f"{GROUP}/{version}", "spec": spec})


class _Status(msgspec.Struct, rename="camel"):
    allowed: bool = False
    denied: bool = False
    reason: str = ""


class _Review(msgspec.Struct, rename="camel"):
    kind: str = KIND
    api_version: str = ""
    status: _Status = msgspec.field(default_factory=_Status)


_decode = msgspec.json.Decoder(_Review).decode


def decision(answer: bytes, version: str) -> Decision:
    """What a webhook's answer says. Raises ReviewError."""
    try:
        found = _decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReviewError(f"the answer is no {KIND}: {error}") from None
    if found.kind != KIND or found.api_version not in ("", f"{GROUP}/{version}"):
        said = f"{found.api_version}, Kind={found.kind}"
        raise ReviewError(f"expected {GROUP}/{version}, Kind={KIND}, got {said}")
    status = found.status
    if status.denied and status.allowed:
        why = "webhook subject access review returned both allow and deny response"
        return Decision(Verdict.DENY, status.reason, why)
    verdict = Verdict.DENY if status.denied else Verdict.ALLOW if status.allowed else Verdict.NO_OPINION
    return Decision(verdict, status.reason)
