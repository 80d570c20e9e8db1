"""What an answer says, for the audit log: its status, and the object in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver import media
from knarr.apiserver.audit.events import NOTHING
from knarr.apiserver.audit.levels import Decision, Level
from knarr.apiserver.audit.trails import Trail, written
from knarr.apiserver.audit.unmanaged import bare_json
from knarr.apiserver.info import LONG_RUNNING, RequestInfo
from knarr.machinery.errors import UnsupportedMediaType
from knarr.wire.messages import Answer, Pieced, Response, Streaming

_STATUS = (b'{"kind":"Status"', b"k8s\x00\n\x0c\n\x02v1\x12\x06Status")  # how one begins, in JSON and in protobuf
_TOLD = ("status", "message", "reason", "details", "code")


async def describe(trail: Trail, info: RequestInfo, answer: Answer) -> None:
    """Say in the event what came of the request."""
    assert trail.event
    body = _body(answer, trail.decision) if info.subresource not in LONG_RUNNING else b""
    status = _failure(answer, body) if body.startswith(_STATUS) or _code(answer) >= 400 else None
    trail.event.response_status = status or bare_status(_code(answer))
    if body and trail.decision.level >= Level.REQUEST_RESPONSE:
        trail.event.response_object = await _object(answer, body, trail.decision)


def lasts(info: RequestInfo) -> bool:
    """Whether answers to such requests go on for as long as they please."""
    return info.is_resource and (info.verb == "watch" or info.subresource in LONG_RUNNING)


@lru_cache(maxsize=64)
def bare_status(code: int) -> msgspec.Raw:
    """Of an answer that is no Status."""
    return msgspec.Raw(msgspec.json.encode({"metadata": {}, "code": code}))


def told_status(tree: JSON, code: int) -> msgspec.Raw:
    """What is recorded of a Status."""
    told = {name: tree[name] for name in _TOLD if tree.get(name)}
    return msgspec.Raw(msgspec.json.encode({"metadata": {}, **told, "code": code}))


def _code(answer: Answer) -> int:
    return answer.status if isinstance(answer, Response | Pieced | Streaming) else 101


def _body(answer: Answer, decision: Decision) -> bytes:
    """What there is of it already, as far as somebody is going to look at it."""
    if isinstance(answer, Response):
        return answer.body
    whole = isinstance(answer, Pieced) and decision.level >= Level.REQUEST_RESPONSE
    return answer.joined().body if whole else b""  # type: ignore[union-attr]


def _failure(answer: Answer, body: bytes) -> msgspec.Raw | None:
    tree = _tree(answer, body)
    return told_status(tree, _code(answer)) if tree and tree["kind"] == "Status" else None


async def _object(answer: Answer, body: bytes, decision: Decision) -> msgspec.Raw:
    """Our own JSON is taken as it is, but for what has to be left out of it."""
    if body.startswith(b'{"kind":"'):
        body = body.rstrip(b"\n")
        return msgspec.Raw(await bare_json(body) if decision.without_managed_fields else body)
    tree = _tree(answer, body)
    return written(tree, decision) if tree else NOTHING


def _tree(answer: Answer, body: bytes) -> JSON | None:
    """The object in an answer; None where there is none, but a document."""
    try:
        chosen = media.media_type(answer.headers.get("content-type", ""))
        tree: Any = chosen.decode(body, "")
    except (media.BodyError, UnsupportedMediaType):
        return None
    return tree if isinstance(tree, dict) and tree.get("kind") and tree.get("apiVersion") else None
