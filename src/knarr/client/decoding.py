"""Bytes to views: one msgspec decoder for each view, made when first asked for.

A list is decoded in one pass, a watch frame by frame; a component that wants plain JSON asks for the view `dict`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from knarr.client.objects import Object
from knarr.client.resources import Resource
from knarr.machinery.errors import APIError, from_status

V = TypeVar("V")


class UnreadableAnswer(ConnectionError):
    """What came is not what the API sends: to be treated as a broken connection, and tried again."""


@dataclass(frozen=True, slots=True)
class ObjectList(Generic[V]):
    """What a list found, the revision it is true at, and where it goes on (empty: nowhere)."""

    items: list[V]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[V]):
    """`ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK` (whose object has nothing but a resourceVersion)."""

    type: str
    object: V


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, Generic[V]):
    metadata: _ListMeta
    items: list[V] | None = None


class _Frame(msgspec.Struct):
    type: str
    object: msgspec.Raw


_decoder: Callable[[Any], msgspec.json.Decoder[Any]] = cache(msgspec.json.Decoder)  # by view


def _decode(body: bytes | msgspec.Raw, view: Any) -> Any:
    try:
        return _decoder(view).decode(body)
    except msgspec.DecodeError as error:
        raise UnreadableAnswer(f"the server's answer is no {getattr(view, '__name__', view)}: {error}") from None


def decode_object(body: bytes | msgspec.Raw, view: type[V]) -> V:
    """One object through its view."""
    decoded: V = _decode(body, view)
    return decoded


def decode_list(body: bytes, view: type[V], resource: Resource) -> ObjectList[V]:
    """A whole list. Items come without kind and apiVersion, as upstream sends them: the resource knows both."""
    found: _List[V] = _decode(body, _List[view])  # type: ignore[valid-type]
    items = found.items or []
    for item in items:
        _name_kind(item, resource)
    return ObjectList(items, found.metadata.resource_version, found.metadata.continue_)


def _name_kind(item: object, resource: Resource) -> None:
    if isinstance(item, dict):
        item.setdefault("kind", resource.kind)
        item.setdefault("apiVersion", resource.api_version)
    elif isinstance(item, Object) and not item.kind:  # nobody else has seen the struct yet: still ours to complete
        msgspec.structs.force_setattr(item, "kind", resource.kind)
        msgspec.structs.force_setattr(item, "api_version", resource.api_version)


def decode_frame(frame: bytes, view: type[V]) -> WatchEvent[V]:
    """One event of a watch; an `ERROR` event is raised as the error that it carries."""
    decoded: _Frame = _decode(frame, _Frame)
    if decoded.type == "ERROR":
        raise from_status(_decode(decoded.object, dict))
    return WatchEvent(decoded.type, decode_object(decoded.object, view))


def error_of(status: int, body: bytes, headers_retry_after: str = "") -> APIError:
    """The error that an answer of failure means, whether its body is a `Status` or anything else (a proxy's page)."""
    try:
        tree = msgspec.json.decode(body)
    except msgspec.DecodeError:
        tree = None
    if not isinstance(tree, dict) or tree.get("kind") != "Status":
        tree = {"message": body.decode(errors="replace").strip() or f"the server answered with status {status}"}
    tree.setdefault("code", status)
    error = from_status(tree)
    if not error.retry_after and headers_retry_after.isdigit():
        error.retry_after = int(headers_retry_after)
    return error


async def until(deadline: float | None, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks, while they come before the deadline (of the loop's clock); raises TimeoutError when it passes.

    A peer that vanished without a word leaves a connection that looks alive: only time tells.
    """
    iterator = aiter(chunks)
    while True:
        async with asyncio.timeout_at(deadline):
            chunk = await anext(iterator, None)
        if chunk is None:
            return
        yield chunk


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Frames of a newline-delimited stream, whatever the chunks they arrive in; blank lines are skipped.

    A frame that many chunks carry is joined once, at its end: linear in its size.
    """
    parts: list[bytes] = []
    async for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        for following in rest:
            if frame := b"".join(parts).strip():
                yield frame
            parts = [following]
    if frame := b"".join(parts).strip():
        yield frame
