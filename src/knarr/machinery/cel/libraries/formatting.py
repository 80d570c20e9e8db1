"""`'%s is %d'.format([...])`. https://pkg.go.dev/github.com/google/cel-go/ext#Strings.format"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.libraries.conversions import format_double
from knarr.machinery.cel.types import CelType
from knarr.machinery.cel.values import Duration, Timestamp, decimal, is_number

_CLAUSE = re.compile(r"%(?:%|(?:\.(\d+))?(.)?)", re.DOTALL)
_DIGITS, _MOST_DIGITS = 6, 999


def format_string(template: str, arguments: list[Any]) -> str:
    """The template with its clauses replaced. Raises CelError."""
    values = iter(arguments)
    return _CLAUSE.sub(lambda match: "%" if match[0] == "%%" else _clause(match, values), template)


def _clause(match: re.Match[str], values: Iterator[Any]) -> str:
    precision, verb = match[1], match[2]
    if verb is None:
        raise CelError("unexpected end of string")
    if verb not in "sdfexXob":
        raise CelError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    try:
        value = next(values)
    except StopIteration:
        raise CelError("index out of range: not enough arguments for the formatting clauses") from None
    if len(precision or "") > len(str(_MOST_DIGITS)):
        why = f"precision {precision[:10]} exceeds the maximum of {_MOST_DIGITS}"
        raise CelError(f"could not parse formatting clause: {why}")
    digits = int(precision) if precision is not None else _DIGITS
    return _written(verb, value, digits)


def _written(verb: str, value: Any, digits: int) -> str:
    match verb:
        case "s":
            return shown(value)
        case "d" if type(value) is not float and is_number(value):
            return str(int(value))
        case "f" | "e" if is_number(value) and not math.isfinite(value):
            return format_double(float(value)).removeprefix("+").replace("Inf", "Infinity")
        case "f" | "e" if is_number(value):
            return f"{value:.{digits}{verb}}"
        case "b" if isinstance(value, int):
            return f"{int(value):b}"
        case "o" if type(value) is not float and is_number(value):
            return f"{int(value):o}"
        case "x" | "X":
            return _hexadecimal(verb, value)
    raise CelError(f"error during formatting: %{verb} clause cannot be used on {shown(value)}")


def _hexadecimal(verb: str, value: Any) -> str:
    if isinstance(value, str | bytes):
        text = (value.encode() if isinstance(value, str) else value).hex()
        return text if verb == "x" else text.upper()
    if type(value) is float or not is_number(value):
        raise CelError(f"error during formatting: %{verb} clause cannot be used on {shown(value)}")
    return f"{int(value):{verb}}"


def shown(value: Any) -> str:
    """A value as `%s` writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return format_double(value)
        case bytes():
            return value.decode(errors="replace")
        case Duration():
            return f"{decimal(value.nanos)}s"
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            entries = sorted((shown(key), shown(item)) for key, item in value.items())
            return "{" + ", ".join(f"{key}: {item}" for key, item in entries) + "}"
        case Timestamp() | CelType() | str() | int():
            return str(value)
    raise CelError(f"error during formatting: string clause {_STRINGS}")


_STRINGS = (
    "can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was "
    "given an opaque value"
)
