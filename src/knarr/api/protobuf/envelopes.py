"""Whole objects: four bytes that say "Kubernetes protobuf" (MAGIC), and a message that names the object's type.

runtime.Unknown{ 1: TypeMeta{ 1: apiVersion, 2: kind }, 2: the object's message, 3: "", 4: "" }
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from knarr.api.kind import JSON
from knarr.api.protobuf.codecs import reader, text, writer
from knarr.api.protobuf.wire import BYTES, ProtobufError, delimited, fields, tag, varint
from knarr.api.schema.numbers import fields_of, message_of
from knarr.api.types.shapes import Struct, shape_of

MAGIC = b"k8s\0"
_END = b"\x1a\x00\x22\x00"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_META_KINDS = frozenset(
    ("Status", "DeleteOptions", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "WatchEvent")
)
_ELSEWHERE = {
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
    "meta.k8s.io": "io.k8s.apimachinery.pkg.apis.meta",
}


def decode(body: bytes, definition: str = "") -> JSON:
    """The tree of a whole object; one whose type is not named is taken for `definition`. Raises ProtobufError."""
    (api_version, kind), raw = message_within(body)
    shape = _shape(api_version, kind) if kind else _struct(definition)
    if shape is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    try:
        tree = reader(shape, message_of(shape.name))(raw)
    except RecursionError:
        raise ProtobufError("proto: exceeded max depth") from None
    return ({"apiVersion": api_version, "kind": kind} if kind else {}) | tree


def message_within(body: bytes) -> tuple[tuple[str, str], bytes]:
    """The type that an envelope names, as apiVersion and kind, and the message in it. Raises ProtobufError."""
    if not body.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    type_meta, raw = b"", b""
    for number, _, value in fields(body[len(MAGIC) :]):
        if number == 1 and isinstance(value, bytes):
            type_meta = value
        elif number == 2 and isinstance(value, bytes):
            raw = value
    named = {number: text(value) for number, _, value in fields(type_meta)}
    return (named.get(1, ""), named.get(2, "")), raw


def encode(tree: JSON) -> bytes:
    """A whole object, its type read from the tree. Raises ProtobufError for kinds without a protobuf form."""
    return wrap(tree.get("apiVersion", ""), tree.get("kind", ""), encode_raw(tree))


def encode_raw(tree: JSON) -> bytes:
    """The object's message alone, as it stands in a list."""
    api_version, kind = tree.get("apiVersion", ""), tree.get("kind", "")
    shape = _shape(api_version, kind)
    if shape is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return writer(shape, message_of(shape.name))(tree)


def wrap(api_version: str, kind: str, raw: bytes) -> bytes:
    """An object's message with its type named."""
    return _opening(api_version, kind) + delimited(b"\x12", raw) + _END


@cache
def _opening(api_version: str, kind: str) -> bytes:
    type_meta = delimited(b"\x0a", api_version.encode()) + delimited(b"\x12", kind.encode())
    return MAGIC + delimited(b"\x0a", type_meta)


def listed(api_version: str, kind: str, metadata: JSON, messages: Iterable[bytes]) -> list[bytes]:
    """A whole list in pieces, of its items' messages, which are not copied."""
    about, shape = _struct(f"{_META}.ListMeta"), _shape(api_version, kind)
    if about is None or shape is None:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    numbers = {field.name: number for number, field in fields_of(message_of(shape.name)).items()}
    item = tag(numbers["items"], BYTES)
    head = delimited(tag(numbers["metadata"], BYTES), writer(about, message_of(about.name))(metadata))
    parts = [head]
    for message in messages:
        parts += (item + varint(len(message)), message)
    parts[0] = _opening(api_version, kind) + b"\x12" + varint(sum(map(len, parts))) + head
    return [*parts, _END]


def event(type: str, whole: bytes) -> bytes:
    """A frame of a watch: the length in four bytes, and a WatchEvent that holds a whole object.

    WatchEvent{ 1: type, 2: RawExtension{ 1: the object } }
    """
    message = delimited(b"\x0a", type.encode()) + delimited(b"\x12", delimited(b"\x0a", whole))
    return len(message).to_bytes(4, "big") + message


@cache
def _shape(api_version: str, kind: str) -> Struct | None:
    """The shape of a kind; None where no published definition has its name."""
    group, _, version = api_version.rpartition("/")
    if kind in _META_KINDS:
        definition = f"{_META}.{kind}"
    else:
        root = _ELSEWHERE.get(group) or f"io.k8s.api.{group.partition('.')[0] or 'core'}"
        definition = f"{root}.{version}.{kind}"
    return _struct(definition)


def _struct(definition: str) -> Struct | None:
    try:
        shape = shape_of(definition)
    except KeyError:
        return None
    return shape if isinstance(shape, Struct) else None
