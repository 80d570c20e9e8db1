"""Stored objects as the bytes of a media type: one whole, many in a list.

What is not JSON is made once per revision, served version and media type, and remembered with the cache's entry; GET,
LIST and every watcher's event are made of the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from knarr.api.kind import Kind, Version
from knarr.apiserver.encoding import Buffer, api_version, converted, pieces, served
from knarr.apiserver.media import JSON, PROTOBUF, MediaType

Tree = dict[str, Any]


class Item(Protocol):
    """What is served: canonical bytes of the storage version, their revision, and what is remembered of them."""

    @property
    def value(self) -> bytes: ...

    @property
    def revision(self) -> int: ...

    @property
    def encodings(self) -> MutableMapping[Any, bytes]: ...


class Representation(NamedTuple):
    """How a media type shows one object, and, in pieces, a list with its metadata."""

    whole: Callable[[Kind, Version, Item], bytes]
    listed: Callable[[Kind, Version, Sequence[Item], Tree], Sequence[Buffer]]


def representation(media: MediaType) -> Representation:
    return _REPRESENTATIONS.get(media.name) or _written(media)


def _whole_json(kind: Kind, version: Version, item: Item) -> bytes:
    return served(version, item.value, item.revision, item.encodings)


def _listed_json(kind: Kind, version: Version, items: Sequence[Item], metadata: Tree) -> Sequence[Buffer]:
    """Put together from what every item is served as; no byte of an object is copied."""
    served_as = api_version(kind, version)
    head = {"kind": kind.list_kind, "apiVersion": served_as, "metadata": metadata}
    parts: list[Buffer] = [msgspec.json.encode(head)[:-1] + b',"items":[']
    opening = b'{"kind":"%b","apiVersion":"%b","metadata":{' % (kind.kind.encode(), served_as.encode())
    cut, separated = len(opening), b"," + opening
    for item in items:
        value = converted(version, item.value, item.encodings)
        if item.revision and value.startswith(opening):  # as every object is stored: nothing to look for
            parts += (separated, b'"resourceVersion":"%d",' % item.revision, memoryview(value)[cut:])
        else:
            parts += (b",", *pieces(value, item.revision))
    if items:
        parts[1] = parts[1][1:]  # no comma before the first
    parts.append(b"]}")
    return parts


def _whole_protobuf(kind: Kind, version: Version, item: Item) -> bytes:
    from knarr.api import protobuf  # many servers are never asked for it

    return protobuf.wrap(api_version(kind, version), kind.kind, _message(version, item))


def _listed_protobuf(kind: Kind, version: Version, items: Sequence[Item], metadata: Tree) -> Sequence[Buffer]:
    from knarr.api import protobuf

    messages = [_message(version, item) for item in items]
    return [protobuf.listed(api_version(kind, version), kind.list_kind, metadata, messages)]


def _message(version: Version, item: Item) -> bytes:
    """The object's message, without the envelope that names its type."""
    from knarr.api import protobuf

    form = (version.definition, version.name, PROTOBUF.name)
    known = item.encodings.get(form)
    if known is None:
        tree = orjson.loads(served(version, item.value, item.revision, item.encodings))
        known = item.encodings[form] = protobuf.encode_raw(tree)
    return known


def _written(media: MediaType) -> Representation:
    """By way of a tree: for media types that nobody asks for often."""
    return Representation(
        lambda kind, version, item: media.encode(orjson.loads(_whole_json(kind, version, item))),
        lambda kind, version, items, metadata: [
            media.encode(orjson.loads(b"".join(_listed_json(kind, version, items, metadata))))
        ],
    )


_REPRESENTATIONS = {
    JSON.name: Representation(_whole_json, _listed_json),
    PROTOBUF.name: Representation(_whole_protobuf, _listed_protobuf),
}
