"""From the JSON a client sent to the tree the server keeps: checked, canonical, without nulls and unknown fields.

A decoder is a closure over its shape. It gets a value, its place, and the list that collects unknown fields; it returns
the value to keep. Places are linked pairs, made for composites only and written out only when somebody must be told.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from functools import cache
from typing import Any

from knarr.api.types.shapes import ListOf, MapOf, Opaque, Scalar, Shape, Struct, go_type
from knarr.machinery import quantity, times

Place = tuple[Any, Any] | None  # (the parent's place, a field's name, a map's key or an index)
Decoder = Callable[[Any, Place, list[str]], Any]


class _Key(str):
    """A map's key among the fields of a place."""

    __slots__ = ()


class DecodeError(Exception):
    """JSON of the wrong type, in the words of Go's decoder."""


def write_place(place: Place) -> str:
    """`spec.containers[0].image`: a place as upstream's strict decoder writes it."""
    tokens = []
    while place is not None:
        place, token = place
        tokens.append(f"[{token}]" if isinstance(token, int) else f".{token}")
    return "".join(reversed(tokens)).removeprefix(".")


def _fields_of(place: Place) -> str:
    """The same as Go's json errors write it: struct fields only."""
    names = []
    while place is not None:
        place, token = place
        if type(token) is str:
            names.append(token)
    return ".".join(reversed(names))


def _found(value: Any, *, expected_number: bool = False) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return f"number {value}" if expected_number else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


class _Mismatch(Exception):
    """A value of the wrong type; the struct that holds it adds its own name and place."""

    def __init__(self, found: str, wanted: str) -> None:
        self.found, self.wanted = found, wanted


def decoder(shape: Shape) -> Decoder:
    """The decoder of the root: what it raises is a DecodeError."""
    decode = _decoder(shape)

    def decode_root(value: Any, place: Place, unknown: list[str]) -> Any:
        try:
            return decode(value, place, unknown)
        except _Mismatch as mismatch:
            message = f"json: cannot unmarshal {mismatch.found} into Go value of type {mismatch.wanted}"
            raise DecodeError(message) from None

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
            return _SCALARS[form]
        case Opaque():
            return _opaque


def _struct(shape: Struct) -> Decoder:
    fields: dict[str, tuple[type | None, Decoder]] = {}  # filled at first use: shapes may be recursive

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise _Mismatch(_found(value), shape.go_type)
        if not fields:
            fields.update((name, (_plain(field.shape), _decoder(field.shape))) for name, field in shape.fields.items())
        dropped = []
        for name, item in value.items():
            plain, decode_field = fields.get(name, _UNKNOWN)
            if type(item) is plain:  # most fields: nothing to change, nothing to call
                continue
            if item is None:
                dropped.append(name)
            elif decode_field is None:
                unknown.append(write_place((place, name)))
                dropped.append(name)
            else:
                try:
                    kept = decode_field(item, (place, name), unknown)
                except _Mismatch as mismatch:
                    raise _explained(mismatch, shape, (place, name)) from None
                if kept is not item:
                    value[name] = kept
        for name in dropped:
            del value[name]
        return value

    return decode


_UNKNOWN = (None, None)


def _plain(shape: Shape) -> type | None:
    """The Python type that is right as it stands, where there is one."""
    return _PLAIN.get(shape.form) if isinstance(shape, Scalar) else None


_PLAIN: dict[str, type] = {"string": str, "bool": bool, "float64": float}


def _explained(mismatch: _Mismatch, shape: Struct, place: Place) -> DecodeError:
    field = f"{shape.go_name}.{_fields_of(place)}"
    return DecodeError(
        f"json: cannot unmarshal {mismatch.found} into Go struct field {field} of type {mismatch.wanted}"
    )


def _list(shape: ListOf, item: Shape) -> Decoder:
    decode_item, zero, plain = _decoder(item), _zero(item), _plain(item)

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise _Mismatch(_found(value), go_type(shape))
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
        decode_value = _resource  # every map of quantities is a resource list

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise _Mismatch(_found(value), go_type(shape))
        for key, element in value.items():
            if type(element) is plain:
                continue
            kept = zero() if element is None else decode_value(element, (place, _Key(key)), unknown)
            if kept is not element:
                value[key] = kept
        return value

    return decode


def _zero(shape: Shape) -> Callable[[], Any]:
    """What Go makes of a null among a list's items or a map's values."""
    match shape:
        case Struct() | MapOf():
            return dict
        case ListOf():
            return list
        case Opaque():
            return lambda: None
        case Scalar(form):
            return {"bool": bool, "int32": int, "int64": int, "float64": float, "int-or-string": int}.get(form, str)


def _string(value: Any, place: Place, unknown: list[str]) -> Any:
    if type(value) is str:
        return value
    raise _Mismatch(_found(value), "string")


def _bool(value: Any, place: Place, unknown: list[str]) -> Any:
    if value is True or value is False:
        return value
    raise _Mismatch(_found(value), "bool")


def _integer(bits: int) -> Decoder:
    low, high, wanted = -(1 << (bits - 1)), (1 << (bits - 1)) - 1, f"int{bits}"

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        raise _Mismatch(_found(value, expected_number=True), wanted)

    return decode


def _float(value: Any, place: Place, unknown: list[str]) -> Any:
    if type(value) is float or type(value) is int:
        return value
    raise _Mismatch(_found(value), "float64")


def _bytes(value: Any, place: Place, unknown: list[str]) -> Any:
    """Base64 (RFC 4648, padded); the text is kept."""
    if type(value) is not str:
        raise _Mismatch(_found(value), "[]uint8")
    text = value.replace("\n", "").replace("\r", "")
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise DecodeError(f"illegal base64 data at input byte {_first_bad_byte(text)}") from None
    return text


def _first_bad_byte(text: str) -> int:
    """Where Go's decoder gives up: the first byte out of the alphabet, or the end of what lacks its padding."""
    good = len(text) - len(text.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    if good == len(text):
        return good // 4 * 4
    return good


def _time_of(canonical: Callable[[str], str]) -> Decoder:
    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is not str:
            raise _bare(value, "string")
        try:
            return canonical(value)
        except times.TimeError as error:
            raise DecodeError(str(error)) from None

    return decode


def _quantity_of(canonical: Callable[[str | float], str]) -> Decoder:
    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        try:
            return canonical(value if type(value) in (str, int, float) else "invalid")
        except quantity.QuantityError as error:
            raise DecodeError(str(error)) from None

    return decode


def _int_or_string(value: Any, place: Place, unknown: list[str]) -> Any:
    if type(value) is str or (type(value) is int and -(2**31) <= value < 2**31):
        return value
    raise _bare(value, "int32")


def _bare(value: Any, wanted: str) -> DecodeError:
    """The error of a type that decodes itself: Go tells no field."""
    found = _found(value, expected_number=wanted == "int32")
    return DecodeError(f"json: cannot unmarshal {found} into Go value of type {wanted}")


def _opaque(value: Any, place: Place, unknown: list[str]) -> Any:
    return value


_resource = _quantity_of(quantity.canonical_resource)
_SCALARS: dict[str, Decoder] = {
    "string": _string,
    "bool": _bool,
    "int32": _integer(32),
    "int64": _integer(64),
    "float64": _float,
    "bytes": _bytes,
    "time": _time_of(times.canonical_time),
    "micro": _time_of(times.canonical_micro),
    "quantity": _quantity_of(quantity.canonical),
    "int-or-string": _int_or_string,
}
