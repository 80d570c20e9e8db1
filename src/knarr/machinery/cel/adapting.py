"""From JSON to the declared type, where JSON has no form of its own for it: times, durations, bytes, doubles."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.times import parse_duration, parse_timestamp
from knarr.machinery.cel.types import CelType
from knarr.machinery.cel.values import Objects, Unique

Adapter = Callable[[Any], Any]


def adapter(type: CelType) -> Adapter | None:
    """What makes a value of this type of the JSON; None where they are the same."""
    match type.name:
        case "list":
            return _list(type)
        case "map" if type.params:
            inner = adapter(type.params[1])
            return _when(dict, lambda tree: {k: inner(v) for k, v in tree.items()}) if inner else None
    return _SCALARS.get(type.name)


def _list(type: CelType) -> Adapter | None:
    inner = adapter(type.params[0]) if type.params else None
    if type.keys:
        return _when(list, lambda items: Objects(items, type.keys))
    make = Unique if type.unique else list
    if inner:
        return _when(list, lambda items: make(map(inner, items)))
    return _when(list, Unique) if type.unique else None


def _when(kind: type, convert: Adapter) -> Adapter:
    return lambda value: convert(value) if isinstance(value, kind) else value


def _double(value: Any) -> Any:
    return float(value) if type(value) is int else value


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise CelError(f"error decoding base64: {text}") from None


_SCALARS: dict[str, Adapter] = {
    "double": _double,
    "timestamp": _when(str, parse_timestamp),
    "duration": _when(str, parse_duration),
    "bytes": _when(str, _bytes),
}
