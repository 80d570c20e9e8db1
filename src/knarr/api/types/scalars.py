"""Decoders of what has no parts: types checked, quantities and times in their one canonical text."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from knarr.api.types.mismatches import DecodeError, Mismatch, Place, found
from knarr.machinery import quantity, times

Decoder = Callable[[Any, Place, list[str]], Any]


def _string(value: Any, place: Place, unknown: list[str]) -> Any:
    if type(value) is str:
        return value
    raise Mismatch(found(value), "string")


def _bool(value: Any, place: Place, unknown: list[str]) -> Any:
    if value is True or value is False:
        return value
    raise Mismatch(found(value), "bool")


def _integer(bits: int) -> Decoder:
    low, high, wanted = -(1 << (bits - 1)), (1 << (bits - 1)) - 1, f"int{bits}"

    def decode(value: Any, place: Place, unknown: list[str]) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        raise Mismatch(found(value, expected_number=True), wanted)

    return decode


def _float(value: Any, place: Place, unknown: list[str]) -> Any:
    if type(value) is float or type(value) is int:
        return value
    raise Mismatch(found(value), "float64")


def _bytes(value: Any, place: Place, unknown: list[str]) -> Any:
    """Base64 (RFC 4648, padded); the text is kept."""
    if type(value) is not str:
        raise Mismatch(found(value), "[]uint8")
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
    what = found(value, expected_number=wanted == "int32")
    return DecodeError(f"json: cannot unmarshal {what} into Go value of type {wanted}")


def opaque(value: Any, place: Place, unknown: list[str]) -> Any:
    return value


RESOURCE: Decoder = _quantity_of(quantity.canonical_resource)
SCALARS: dict[str, Decoder] = {
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
ZEROS: dict[str, Any] = {"bool": False, "int32": 0, "int64": 0, "float64": 0.0, "int-or-string": 0, "quantity": "0"}
# Forms whose Python type says it all: a value of that type needs no decoder.
PLAIN: dict[str, type] = {"string": str, "bool": bool, "float64": float}
