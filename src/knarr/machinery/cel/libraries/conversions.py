"""From one type to another: int(), uint(), double(), string(), bytes(), bool(), timestamp(), duration()."""

from __future__ import annotations

import math
import re
from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.times import parse_duration, parse_timestamp
from knarr.machinery.cel.values import (
    LARGEST_INT,
    LARGEST_UINT,
    SMALLEST_INT,
    Timestamp,
    UInt,
    within_int,
    within_uint,
)

_NANO = 10**9
_LONGEST_SCALAR = 40  # characters of a number, a time, a length of time
_LONGEST = 4000  # digits that Python reads
_INT = re.compile(r"[+-]?\d+", re.ASCII)
_TRUE, _FALSE = ("1", "t", "true", "TRUE", "True"), ("0", "f", "false", "FALSE", "False")


def _to_int(value: Any) -> int:
    match value:
        case str():
            if not _INT.fullmatch(value):
                raise CelError(f'strconv.ParseInt: parsing "{value}": invalid syntax')
            if len(value) > _LONGEST or not SMALLEST_INT <= int(value) <= LARGEST_INT:
                raise CelError(f'strconv.ParseInt: parsing "{value}": value out of range')
            return int(value)
        case Timestamp():
            return value.nanos // _NANO
        case float():
            return within_int(_whole(value, "integer overflow"))
    return within_int(int(value))


def _to_uint(value: Any) -> UInt:
    match value:
        case str():
            if not value.isascii() or not value.isdigit():
                raise CelError(f'strconv.ParseUint: parsing "{value}": invalid syntax')
            if len(value) > _LONGEST or int(value) > LARGEST_UINT:
                raise CelError(f'strconv.ParseUint: parsing "{value}": value out of range')
            return UInt(int(value))
        case float():
            return within_uint(_whole(value, "unsigned integer overflow"))
    return within_uint(int(value))


def _whole(value: float, overflow: str) -> int:
    if not math.isfinite(value):
        raise CelError(overflow)
    return int(value)


def _to_double(value: Any) -> float:
    if isinstance(value, str) and value.strip() != value:
        raise CelError(f'strconv.ParseFloat: parsing "{value}": invalid syntax')
    try:
        return float(value)
    except ValueError:
        raise CelError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from None


def _to_string(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return format_double(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None
    return str(int(value)) if isinstance(value, UInt) else str(value)


def format_double(value: float) -> str:
    """The shortest decimal text that means the number, never with an exponent where Go writes none."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    mantissa, exponential, exponent = text.partition("e")
    if exponential:
        sign, digits = exponent[0] if exponent[0] in "+-" else "+", exponent.lstrip("+-")
        return f"{mantissa.removesuffix('.0')}e{sign}{digits.rjust(2, '0')}"
    return text.removesuffix(".0")


def _to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise CelError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _time(value: Any) -> Timestamp:
    return parse_timestamp(value) if isinstance(value, str) else Timestamp(value * _NANO)


def _same(value: Any) -> Any:
    return value


OVERLOADS = (
    overload("int(int) -> int", _same),
    *(overload(f"int({t}) -> int", _to_int) for t in ("uint", "double", "string", "timestamp")),
    overload("uint(uint) -> uint", _same),
    *(overload(f"uint({t}) -> uint", _to_uint) for t in ("int", "double", "string")),
    overload("double(double) -> double", _same),
    *(overload(f"double({t}) -> double", _to_double) for t in ("int", "uint", "string")),
    overload("string(string) -> string", _same, grows=costs.size()),
    *(
        overload(f"string({t}) -> string", _to_string, grows=lambda *_: _LONGEST_SCALAR)
        for t in ("int", "uint", "double", "bool", "timestamp", "duration")
    ),
    overload("string(bytes) -> string", _to_string, costs.traverse(), costs.size()),
    overload("bytes(bytes) -> bytes", _same),
    overload("bytes(string) -> bytes", str.encode, costs.traverse(), costs.size(factor=4)),
    overload("bool(bool) -> bool", _same),
    overload("bool(string) -> bool", _to_bool),
    overload("timestamp(timestamp) -> timestamp", _same),
    overload("timestamp(string) -> timestamp", _time),
    overload("timestamp(int) -> timestamp", _time),
    overload("duration(duration) -> duration", _same),
    overload("duration(string) -> duration", parse_duration),
)
