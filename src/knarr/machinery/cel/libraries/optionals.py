"""Values that may be absent. https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes"""

from __future__ import annotations

from typing import Any

from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.values import NOTHING, Optional


def _of_non_zero(value: Any) -> Optional:
    empty = (
        value is None or value is False or (isinstance(value, int | float | str | bytes | list | dict) and not value)
    )
    return NOTHING if empty else Optional(value)


OVERLOADS = (
    overload("optional.of(T) -> optional<T>", Optional),
    overload("optional.ofNonZeroValue(T) -> optional<T>", _of_non_zero),
    overload("optional.none() -> optional<T>", lambda: NOTHING),
    overload("optional<T>.hasValue() -> bool", lambda optional: optional.present),
    overload("optional<T>.value() -> T", Optional.get),
    overload("optional<T>.or(optional<T>) -> optional<T>", lambda one, other: one if one.present else other),
    overload("optional<T>.orValue(T) -> T", lambda one, other: one.value if one.present else other),
)
