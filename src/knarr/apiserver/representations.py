"""Stored objects as the bytes of a media type: one whole, many in a list.

What is not JSON is made once per revision, served version and media type, and remembered with the cache's entry; GET,
LIST and every watcher's event are made of the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from knarr.api.kind import Kind, Version
from knarr.apiserver.encoding import Buffer, api_version, converted, pieces, served
from knarr.apiserver.media import JSON, META_GROUP, PROTOBUF, MediaType, Output

Tree = dict[str, Any]


class Item(Protocol):
    """What is served: canonical bytes of the storage version, their revision, and what is remembered of them."""

    @property
    def value(self) -> bytes: ...

    @property
    def revision(self) -> int: ...

    @property
    def encodings(self) -> MutableMapping[Any, Any]: ...


class Representation(NamedTuple):
    """How a media type shows one object, and, in pieces, a list with its metadata."""

    whole: Callable[[Kind, Version, Item], bytes]
    listed: Callable[[Kind, Version, Sequence[Item], Tree], Sequence[Buffer]]


def representation(output: Output) -> Representation:
    """What shows objects in this form: themselves, or, where that is the view, their metadata alone."""
    of_objects, of_metadata = _REPRESENTATIONS.get(output.media.name) or _written(output.media)
    return of_metadata(output.view_version) if output.view else of_objects


def _whole_json(kind: Kind, version: Version, item: Item) -> bytes:
    return served(version, item.value, item.revision, item.encodings)


def _listed_json(kind: Kind, version: Version, items: Sequence[Item], metadata: Tree) -> Sequence[Buffer]:
    """Put together from what every item is served as; no byte of an object is copied."""
    head = {"kind": kind.list_kind, "apiVersion": api_version(kind, version), "metadata": metadata}
    parts: list[Buffer] = [msgspec.json.encode(head)[:-1] + b',"items":[']
    form = (version.definition, version.name, "in a list")
    for item in items:
        parts += item.encodings.get(form) or _in_list(version, form, item)
    if items:
        parts[1] = parts[1][1:]  # no comma before the first
    parts.append(b"]}")
    return parts


def _in_list(version: Version, form: tuple[str, str, str], item: Item) -> tuple[bytes, memoryview]:
    """An object as a list has it, its comma before it. It is kept, a third of a kilobyte: to cut each object open
    for each list anew would be a fifth of the list.
    """
    before, revision, rest = pieces(converted(version, item.value, item.encodings), item.revision)
    known = item.encodings[form] = b",%b%b" % (before, revision), rest
    return known


def _whole_protobuf(kind: Kind, version: Version, item: Item) -> bytes:
    from knarr.api import protobuf  # many servers are never asked for it

    return protobuf.wrap(api_version(kind, version), kind.kind, _message(version, item))


def _listed_protobuf(kind: Kind, version: Version, items: Sequence[Item], metadata: Tree) -> Sequence[Buffer]:
    from knarr.api import protobuf

    messages = [_message(version, item) for item in items]
    return protobuf.listed(api_version(kind, version), kind.list_kind, metadata, messages)


def _message(version: Version, item: Item) -> bytes:
    """The object's message, without the envelope that names its type."""
    from knarr.api import protobuf

    form = (version.definition, version.name, PROTOBUF.name)
    known = item.encodings.get(form)
    if known is None:
        tree = orjson.loads(served(version, item.value, item.revision, item.encodings))
        known = item.encodings[form] = protobuf.encode_raw(tree)
    return known


@cache
def _metadata_json(view_version: str) -> Representation:
    names = f"{META_GROUP}/{view_version}"
    opening = b'{"kind":"PartialObjectMetadata","apiVersion":"%b","metadata":{' % names.encode()

    def parts(version: Version, item: Item) -> tuple[Buffer, ...]:
        revision = b'"resourceVersion":"%d",' % item.revision if item.revision else b""
        return opening, revision, _metadata(version, item)[1:], b"}"

    def listed(kind: Kind, version: Version, items: Sequence[Item], metadata: Tree) -> Sequence[Buffer]:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": names, "metadata": metadata}
        found: list[Buffer] = [msgspec.json.encode(head)[:-1] + b',"items":[']
        for item in items:
            found += (*parts(version, item), b",")
        found[len(found) - bool(items) :] = [b"]}"]
        return found

    return Representation(lambda kind, version, item: b"".join(parts(version, item)), listed)


class _Metadata(msgspec.Struct):
    metadata: msgspec.Raw


_only_metadata = msgspec.json.Decoder(_Metadata)


def _metadata(version: Version, item: Item) -> memoryview:
    """The metadata's JSON, without its revision, as it stands in the object."""
    return memoryview(_only_metadata.decode(converted(version, item.value, item.encodings)).metadata)


@cache
def _metadata_protobuf(view_version: str) -> Representation:
    from knarr.api import protobuf

    names, kind_name = f"{META_GROUP}/{view_version}", "PartialObjectMetadata"

    def message(version: Version, item: Item) -> bytes:
        form = (version.definition, version.name, kind_name)
        known = item.encodings.get(form)
        if known is None:
            revision = {"resourceVersion": str(item.revision)} if item.revision else {}
            shown = orjson.loads(_metadata(version, item)) | revision
            tree = {"kind": kind_name, "apiVersion": names, "metadata": shown}
            known = item.encodings[form] = protobuf.encode_raw(tree)
        return known

    return Representation(
        lambda kind, version, item: protobuf.wrap(names, kind_name, message(version, item)),
        lambda kind, version, items, metadata: protobuf.listed(
            names, f"{kind_name}List", metadata, [message(version, item) for item in items]
        ),
    )


def _written(media: MediaType) -> _Pair:
    """By way of a tree: for media types that nobody asks for often."""

    def written(shown: Representation) -> Representation:
        return Representation(
            lambda *about: media.encode(orjson.loads(shown.whole(*about))),
            lambda *about: [media.encode(orjson.loads(b"".join(shown.listed(*about))))],
        )

    return written(_OBJECTS_JSON), lambda view_version: written(_metadata_json(view_version))


_Pair = tuple[Representation, Callable[[str], Representation]]  # of objects; by the view's version, of their metadata
_OBJECTS_JSON = Representation(_whole_json, _listed_json)
_REPRESENTATIONS: dict[str, _Pair] = {
    JSON.name: (_OBJECTS_JSON, _metadata_json),
    PROTOBUF.name: (Representation(_whole_protobuf, _listed_protobuf), _metadata_protobuf),
}
