"""From the JSON a client sent to the tree the server keeps: checked, canonical, without nulls and unknown fields.

A decoder is a closure over its shape. It gets a value, its place, and the list that collects unknown fields; it returns
the value to keep. Places are linked pairs, made for composites only and written out only when somebody must be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from knarr.api.types.mismatches import DecodeError, Key, Mismatch, Place, explained, found, write_place
from knarr.api.types.scalars import PLAIN, RESOURCE, SCALARS, ZEROS, Decoder, opaque
from knarr.api.types.shapes import ListOf, MapOf, ObjectOr, Opaque, Scalar, Shape, Struct, go_type, shape_of


def decoder(shape: Shape) -> Decoder:
    """The decoder of the root: what it raises is a DecodeError."""
    decode = _decoder(shape)

    def decode_root(value: Any, place: Place, unknown: list[str]) -> Any:
        try:
            return decode(value, place, unknown)
        except Mismatch as mismatch:
            message = f"json: cannot unmarshal {mismatch.found} into Go value of type {mismatch.wanted}"
            raise DecodeError(message) from None
        except RecursionError:
            raise DecodeError("exceeded max depth") from None

    return decode_root


@cache
def _decoder(shape: Shape) -> Decoder:
    match shape:
        case Struct():
            return _struct(shape)
        case ListOf(item):
            return _list(shape, item)
        case MapOf(value):
            return _map(shape, value)
        case Scalar(form):
            return SCALARS[form]
        case Opaque():
            return opaque
        case ObjectOr(definition, _):
            return _object_or(definition)


def _struct(shape: Struct) -> Decoder:
    fields: dict[str, tuple[type | None, Decoder, bool]] = {}  # filled at first use: shapes may be recursive

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise Mismatch(found(value), shape.go_type)
        if not fields:
            fields.update(_members(shape))
        dropped = []
        for name, item in value.items():
            plain, decode_field, omitted = fields.get(name, _UNKNOWN)
            if type(item) is plain and (item or not omitted):  # most fields: nothing to change, nothing to call
                continue
            if item is None:
                dropped.append(name)
            elif decode_field is None:
                unknown.append(write_place((place, name)))
                dropped.append(name)
            else:
                try:
                    kept = decode_field(item, (place, name), unknown)
                except Mismatch as mismatch:
                    raise explained(mismatch, shape, (place, name)) from None
                if omitted and not kept:
                    dropped.append(name)
                elif kept is not item:
                    value[name] = kept
        for name in dropped:
            del value[name]
        return value

    return decode


_UNKNOWN = (None, None, False)


def _members(shape: Struct) -> Iterator[tuple[str, tuple[type | None, Decoder, bool]]]:
    """Each field with the type that needs no decoder, its decoder, and whether nothing is left out."""
    for name, field in shape.fields.items():
        yield name, (_plain(field.shape), _decoder(field.shape), name in shape.omitted)


def _plain(shape: Shape) -> type | None:
    """The Python type that is right as it stands, where there is one."""
    return PLAIN.get(shape.form) if isinstance(shape, Scalar) else None


def _list(shape: ListOf, item: Shape) -> Decoder:
    decode_item, zero, plain = _decoder(item), _zero(item), _plain(item)

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise Mismatch(found(value), go_type(shape))
        for index, element in enumerate(value):
            if type(element) is plain:
                continue
            kept = zero() if element is None else decode_item(element, (place, index), unknown)
            if kept is not element:
                value[index] = kept
        return value

    return decode


def _map(shape: MapOf, values: Shape) -> Decoder:
    decode_value, zero, plain = _decoder(values), _zero(values), _plain(values)
    if values == Scalar("quantity"):
        decode_value = RESOURCE  # every map of quantities is a resource list

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise Mismatch(found(value), go_type(shape))
        for key, element in value.items():
            if type(element) is plain:
                continue
            kept = zero() if element is None else decode_value(element, (place, Key(key)), unknown)
            if kept is not element:
                value[key] = kept
        return value

    return decode


def _object_or(definition: str) -> Decoder:
    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is dict:
            return _decoder(shape_of(definition))(value, place, unknown)
        for index, element in enumerate(value) if type(value) is list else ():
            decode(element, (place, index), unknown)
        return value

    return decode


def _zero(shape: Shape) -> Callable[[], Any]:
    """What Go makes of a null among a list's items or a map's values."""
    match shape:
        case Struct() | MapOf():
            return dict
        case ListOf():
            return list
        case Opaque() | ObjectOr():
            return lambda: None
        case Scalar(form):
            return lambda: ZEROS.get(form, "")
