"""Messages to trees, as JSON would have them: what is empty is left out, unless it is a pointer or required."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from knarr.api.types.shapes import ListOf, MapOf, Opaque, Scalar, Shape, Struct, shape_of
from knarr.apiserver.protobuf.numbers import Numbered, fields_of
from knarr.apiserver.protobuf.records import Record, WireError, packed, records
from knarr.machinery.times import format_micro, format_time

__all__ = ["WireError", "decode"]

JSON = dict[str, Any]
Read = Callable[[Any], Any]

_MAGIC = b"k8s\0"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMPTY: tuple[Any, ...] = ("", 0, None, {})


def decode(body: bytes, definition: str) -> JSON:
    """The tree of a body that holds a message of this definition, with the kind that its envelope names.

    Raises WireError.
    """
    if not body.startswith(_MAGIC):
        raise WireError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    envelope = dict(records(body[len(_MAGIC) :]))  # runtime.Unknown
    named = dict(records(_message(envelope.get(1, b""))))
    shape = shape_of(definition)
    if not isinstance(shape, Struct):
        raise WireError(f"no message {definition}")
    try:
        tree: JSON = _struct(shape)(envelope.get(2, b""))
    except RecursionError:
        raise WireError("exceeded max depth") from None
    kind = {"kind": _text(named.get(2, b"")), "apiVersion": _text(named.get(1, b""))}
    return {name: text for name, text in kind.items() if text} | tree


def _message(value: Record) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("proto: wrong wireType for a message")
    return value


def _text(value: Record) -> str:
    try:
        return _message(value).decode()
    except UnicodeDecodeError:
        raise WireError("proto: field contains invalid UTF-8") from None


@cache
def _struct(shape: Struct) -> Read:
    """How messages of a struct are read; made once."""
    fields: dict[int, tuple[str, Shape, bool]] | None = None  # found at first use: shapes may be recursive

    def read(data: Record) -> JSON:
        nonlocal fields
        if fields is None:
            fields = {n: _field(shape, field) for n, field in fields_of(_name(shape)).items() if not field.inlined}
        return _read_fields(shape, _message(data), fields_of(_name(shape)), fields)

    return read


def _name(shape: Struct) -> str:
    """`io.k8s.api.core.v1.PodSpec` is `core/v1 PodSpec`."""
    *_, package, version, name = shape.name.split(".")
    return f"{package}/{version} {name}"


def _field(shape: Struct, field: Numbered) -> tuple[str, Shape, bool]:
    known = shape.fields.get(field.name)
    kept = field.pointer or field.name in shape.required
    return field.name, known.shape if known else Opaque(), kept


def _read_fields(shape: Struct, data: bytes, numbers: Any, fields: dict[int, tuple[str, Shape, bool]]) -> JSON:
    tree: JSON = {}
    for number, value in records(data):
        if number in fields:
            name, inner, kept = fields[number]
            _put(tree, name, inner, value, kept)
        elif number in numbers:
            tree |= _inlined(shape, numbers[number].inlined, _message(value))
    return tree


def _inlined(shape: Struct, name: str, data: bytes) -> JSON:
    """A message whose fields are the parent's in JSON."""
    numbers = fields_of(f"{_name(shape).partition(' ')[0]} {name}")
    fields = {number: _field(shape, field) for number, field in numbers.items() if not field.inlined}
    return _read_fields(shape, data, numbers, fields)


def _put(tree: JSON, name: str, shape: Shape, value: Record, kept: bool) -> None:
    if isinstance(shape, ListOf):
        tree.setdefault(name, []).extend(_items(shape.item, value))
    elif isinstance(shape, MapOf):
        key, item = _entry(shape.value, _message(value))
        tree.setdefault(name, {})[key] = item
    else:
        found = _value(shape, value)
        if found is not None and (kept or found not in _EMPTY):
            tree[name] = found


def _items(shape: Shape, value: Record) -> Iterator[Any]:
    """What one record adds to a list: an item, or many numbers when they are packed."""
    if isinstance(value, bytes) and isinstance(shape, Scalar) and shape.form in ("int32", "int64", "bool"):
        yield from (_value(shape, number) for number in packed(value))
    else:
        yield _value(shape, value)


def _entry(shape: Shape, data: bytes) -> tuple[str, Any]:
    found = dict(records(data))
    return _text(found.get(1, b"")), _value(shape, found[2] if 2 in found else _zero(shape))


def _zero(shape: Shape) -> Record:
    return 0 if isinstance(shape, Scalar) and shape.form in ("int32", "int64", "bool", "float64") else b""


def _value(shape: Shape, value: Record) -> Any:
    match shape:
        case Scalar(form):
            return _SCALARS[form](value)
        case Struct():
            return _struct(shape)(value)
        case ListOf(item):  # within a map: a message that holds the list
            return [found for _, record in records(_message(value)) for found in _items(item, record)]
        case _:
            return _raw(value)


def _raw(value: Record) -> Any:
    """RawExtension, FieldsV1 and their like: JSON in the first field."""
    raw = dict(records(_message(value))).get(1, b"")
    try:
        return orjson.loads(_message(raw)) if raw else None
    except orjson.JSONDecodeError:
        raise WireError("raw field is not JSON") from None


def _time(value: Record, written: Callable[[datetime], str]) -> str | None:
    """A message without content is the zero time, which is none."""
    found = dict(records(_message(value)))
    if not found:
        return None
    seconds, nanos = found.get(1, 0), found.get(2, 0)
    if isinstance(seconds, bytes) or isinstance(nanos, bytes):
        raise WireError("proto: wrong wireType for a time")
    try:
        return written(_EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000))
    except OverflowError:
        raise WireError("time is out of range") from None


def _int_or_string(value: Record) -> int | str:
    found = dict(records(_message(value)))
    if found.get(1):
        return _text(found.get(3, b""))
    return _whole(found.get(2, 0))


def _whole(value: Record) -> int:
    if not isinstance(value, int):
        raise WireError("proto: wrong wireType for a number")
    return value


def _double(value: Record) -> float:
    if isinstance(value, bytes):
        raise WireError("proto: wrong wireType for a number")
    return float(value)


_SCALARS: dict[str, Read] = {
    "string": _text,
    "bool": lambda value: bool(_whole(value)),
    "int32": _whole,
    "int64": _whole,
    "float64": _double,
    "bytes": lambda value: base64.b64encode(_message(value)).decode(),
    "time": lambda value: _time(value, format_time),
    "micro": lambda value: _time(value, format_micro),
    "quantity": lambda value: _text(dict(records(_message(value))).get(1, b"")),
    "int-or-string": _int_or_string,
}
