"""Messages to trees and back, by functions compiled once for each shape.

A field that cannot tell absent from zero is left out of the tree when it is zero, unless its type requires it: as
upstream's JSON leaves it out. What one side does not know is passed over.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.api.protobuf import wire
from knarr.api.protobuf.wire import BYTES, FIXED64, VARINT, ProtobufError, delimited, fields, tag, varint
from knarr.api.schema.numbers import Numbered, fields_of, message_of
from knarr.api.types.shapes import ListOf, MapOf, ObjectOr, Opaque, Scalar, Shape, Struct, shape_of
from knarr.machinery.times import format_micro, format_time, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Codec(NamedTuple):
    """How a value is read from and written to one field; `zero` tells values that count as absent."""

    kind: int  # wire type
    read: Callable[[Any], Any]
    write: Callable[[Any], bytes]
    zero: Callable[[Any], bool]


class Member(NamedTuple):
    """A field of a message that is read into `name` of the tree."""

    name: str
    codec: Codec
    many: Shape | None  # the shape of a list or map, which is a repeated field
    keep_zero: bool


@cache
def reader(shape: Struct, message: str) -> Callable[[bytes], JSON]:
    """The function from a message's bytes to a tree."""
    members = _members(shape, message)
    inner = {number: reader(shape, name) for number, name in _inlined(message).items()}

    def read(data: bytes) -> JSON:
        tree: JSON = {}
        for number, kind, value in fields(data):
            member = members.get(number)
            if member is not None:
                _take(tree, member, kind, value)
            elif number in inner and isinstance(value, bytes):
                tree.update(inner[number](value))
        return tree

    return read


def _take(tree: JSON, member: Member, kind: int, value: Any) -> None:
    """Put one field's value into the tree."""
    codec = member.codec
    if member.many is None:
        if kind != codec.kind:
            raise ProtobufError(f"proto: wrong wireType = {kind} for field {member.name}")
        found = codec.read(value)
        if found is not None and (member.keep_zero or not codec.zero(found)):
            tree[member.name] = found
    elif isinstance(member.many, MapOf):
        key, entry = codec.read(value)
        tree.setdefault(member.name, {})[key] = entry
    else:
        items = tree.setdefault(member.name, [])
        packed = kind == BYTES and codec.kind == VARINT
        items.extend(_unpacked(value, codec) if packed else (codec.read(value),))


def _unpacked(data: bytes, codec: Codec) -> list[Any]:
    at, found = 0, []
    while at < len(data):
        number, at = wire.read_varint(data, at)
        found.append(codec.read(number))
    return found


@cache
def writer(shape: Struct, message: str) -> Callable[[JSON], bytes]:
    """The function from a tree to a message's bytes, fields in the order of their numbers."""
    steps: list[tuple[int, Callable[[JSON], bytes]]] = [
        (number, _write_member(number, member)) for number, member in _members(shape, message).items()
    ]
    for number, name in _inlined(message).items():
        steps.append((number, _write_inner(tag(number, BYTES), writer(shape, name))))
    ordered = [step for _, step in sorted(steps, key=lambda step: step[0])]

    def write(tree: JSON) -> bytes:
        return b"".join([step(tree) for step in ordered])

    return write


def _write_inner(key: bytes, write: Callable[[JSON], bytes]) -> Callable[[JSON], bytes]:
    def step(tree: JSON) -> bytes:
        content = write(tree)
        return delimited(key, content) if content else b""

    return step


def _write_member(number: int, member: Member) -> Callable[[JSON], bytes]:
    name, (kind, _, write, _) = member.name, member.codec
    key = tag(number, kind)
    sized = kind == BYTES

    def one(value: Any) -> bytes:
        content = write(value)
        return delimited(key, content) if sized else key + content

    def step(tree: JSON) -> bytes:
        value = tree.get(name)
        if value is None:
            return b""
        if member.many is None:
            return one(value)
        return b"".join([one(item) for item in (value.items() if isinstance(value, dict) else value)])

    return step


@cache
def _members(shape: Struct, message: str) -> Mapping[int, Member]:
    """The message's own fields that the shape has, by number."""
    return {number: _member(field, shape) for number, field in fields_of(message).items() if field.name in shape.fields}


def _inlined(message: str) -> Mapping[int, str]:
    """The messages inside it whose fields are its own in JSON, by number."""
    return {number: field.inlined for number, field in fields_of(message).items() if field.inlined}


def _member(field: Numbered, owner: Struct) -> Member:
    name, shape = field.name, owner.fields[field.name].shape
    if isinstance(shape, ListOf) and not field.wrapped:
        return Member(name, _codec(shape.item), shape, keep_zero=True)
    if isinstance(shape, MapOf):
        return Member(name, _entry(shape.value), shape, keep_zero=True)
    return Member(name, _codec(shape), None, keep_zero=field.pointer or name in owner.required)


def _codec(shape: Shape) -> Codec:
    match shape:
        case Struct():
            return _late(shape)
        case ListOf(item):
            return _wrapped(item)
        case MapOf():
            raise ProtobufError("a map inside a list or a map has no protobuf form")
        case Scalar(form):
            return _SCALARS[form]
        case Opaque():
            return _OPAQUE
        case ObjectOr(definition, other):
            inner = shape_of(definition)
            assert isinstance(inner, Struct)
            return _or_array(_late(inner)) if other == "array" else _or_bool(_late(inner))


def _late(shape: Struct) -> Codec:
    """A message within a message, compiled when first met: definitions may be recursive."""
    message = message_of(shape.name)

    def read(data: bytes) -> JSON:
        return reader(shape, message)(data)

    def write(tree: JSON) -> bytes:
        return writer(shape, message)(tree)

    return Codec(BYTES, read, write, _not)


def _or_array(schema: Codec) -> Codec:
    """JSONSchemaPropsOrArray: `schema` is 1, `jSONSchemas` 2."""
    one, many = tag(1, BYTES), tag(2, BYTES)

    def read(data: bytes) -> Any:
        found: list[tuple[int, Any]] = [(number, schema.read(value)) for number, _, value in fields(data)]
        listed: Any = [value for number, value in found if number == 2]
        return listed or next((value for number, value in found if number == 1), None)

    def write(value: Any) -> bytes:
        if isinstance(value, list):
            return b"".join([delimited(many, schema.write(each)) for each in value])
        return delimited(one, schema.write(value))

    return Codec(BYTES, read, write, lambda value: value is None)


def _or_bool(schema: Codec) -> Codec:
    """JSONSchemaPropsOrBool: `allows` is 1, `schema` 2; a schema allows, too."""
    allows, one = tag(1, VARINT), tag(2, BYTES)

    def read(data: bytes) -> Any:
        found = {number: value for number, _, value in fields(data)}
        return schema.read(found[2]) if 2 in found else bool(found.get(1))

    def write(value: Any) -> bytes:
        if isinstance(value, bool):
            return allows + varint(value)
        return allows + varint(1) + delimited(one, schema.write(value))

    return Codec(BYTES, read, write, lambda value: value is None)


def _wrapped(item: Shape) -> Codec:
    """A list as a message whose first field repeats: where it is a map's value, or a type of its own."""
    codec = _codec(item)
    key = tag(1, codec.kind)
    return Codec(
        BYTES,
        lambda data: [codec.read(value) for number, _, value in fields(data) if number == 1],
        lambda items: b"".join([delimited(key, codec.write(each)) for each in items]),
        lambda value: not value,
    )


def _entry(value_shape: Shape) -> Codec:
    """One entry of a map: a message of key and value; read and written as a pair."""
    codec = _codec(value_shape)
    value_key = tag(2, codec.kind)

    def read(data: bytes) -> tuple[str, Any]:
        key, value = "", codec.read(b"" if codec.kind == BYTES else 0)
        for number, _, content in fields(data):
            if number == 1:
                key = text(content)
            elif number == 2:
                value = codec.read(content)
        return key, value

    def write(pair: tuple[str, Any]) -> bytes:
        content = codec.write(pair[1])
        value = delimited(value_key, content) if codec.kind == BYTES else value_key + content
        return delimited(b"\x0a", pair[0].encode()) + value

    return Codec(BYTES, read, write, lambda _: False)


def text(data: Any) -> str:
    try:
        return str(data, "utf-8")
    except (UnicodeDecodeError, TypeError):
        raise ProtobufError("proto: a string is not valid UTF-8") from None


def _read_instant(data: bytes) -> datetime | None:
    """Seconds and nanoseconds since 1970; an empty message is no time."""
    seconds = nanos = 0
    for number, _, value in fields(data):
        if number == 1 and isinstance(value, int):
            seconds = wire.signed(value)
        elif number == 2 and isinstance(value, int):
            nanos = wire.signed(value)
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000) if data else None
    except OverflowError:
        raise ProtobufError("proto: a time outside of the calendar") from None


def _write_instant(text: str) -> bytes:
    since = parse_time(text) - _EPOCH
    seconds, nanos = since.days * 86400 + since.seconds, since.microseconds * 1000
    return b"\x08" + varint(seconds) + (b"\x10" + varint(nanos) if nanos else b"\x10\x00")


def _instant(form: Callable[[datetime], str]) -> Codec:
    def read(data: bytes) -> str | None:
        moment = _read_instant(data)
        return form(moment) if moment else None

    return Codec(BYTES, read, _write_instant, lambda value: value is None)


def _read_int_or_string(data: bytes) -> int | str:
    parts = {number: value for number, _, value in fields(data)}
    if parts.get(1):
        return text(parts.get(3, b""))
    number = parts.get(2, 0)
    return wire.signed(number) if isinstance(number, int) else 0


def _write_int_or_string(value: int | str) -> bytes:
    """All three fields, as upstream writes them: the type, the number, the text."""
    if isinstance(value, str):
        return b"\x08\x01\x10\x00" + delimited(b"\x1a", value.encode())
    return b"\x08\x00\x10" + varint(value) + b"\x1a\x00"


def _first(data: bytes) -> bytes:
    """The first field of a message that has only this one."""
    return next((value for number, _, value in fields(data) if number == 1 and isinstance(value, bytes)), b"")


def _read_opaque(data: bytes) -> Any:
    raw = _first(data)
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ProtobufError("an embedded object is not JSON") from None


def _not(value: Any) -> bool:
    return not value


_NUMBER = Codec(VARINT, wire.signed, lambda value: varint(int(value)), _not)
_SCALARS: dict[str, Codec] = {
    "string": Codec(BYTES, text, str.encode, _not),
    "bool": Codec(VARINT, bool, lambda value: b"\x01" if value else b"\x00", _not),
    "int32": _NUMBER,
    "int64": _NUMBER,
    "float64": Codec(FIXED64, wire.read_float64, wire.float64, _not),
    "bytes": Codec(BYTES, lambda data: base64.b64encode(data).decode(), base64.b64decode, _not),
    "time": _instant(format_time),
    "micro": _instant(format_micro),
    "quantity": Codec(
        BYTES, lambda data: text(_first(data)), lambda value: delimited(b"\x0a", str(value).encode()), _not
    ),
    "int-or-string": Codec(BYTES, _read_int_or_string, _write_int_or_string, lambda value: value in (0, "")),
}
_OPAQUE = Codec(
    BYTES, _read_opaque, lambda value: delimited(b"\x0a", msgspec.json.encode(value)), lambda value: value is None
)
