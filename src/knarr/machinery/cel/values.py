"""Values as expressions see them: JSON trees as they are, and what JSON has no form for.

null is None, int is int, double is float, lists and maps are list and dict. Equality and order are those of
https://github.com/google/cel-spec/blob/master/doc/langdef.md#equality, with numbers compared across their types.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from knarr.machinery.cel.errors import CelError, no_such_overload

LARGEST_INT, SMALLEST_INT, LARGEST_UINT = 2**63 - 1, -(2**63), 2**64 - 1
_NANO = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UInt(int):
    """An unsigned number, which is another type than an int of the same value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds."""

    nanos: int

    def __str__(self) -> str:
        """Seconds, as CEL writes them: `5400s`, `0.5s`."""
        return f"{decimal(self.nanos)}s"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time, in nanoseconds since 1970 in UTC."""

    nanos: int

    def __str__(self) -> str:
        """RFC 3339 with the fraction that it has."""
        whole = _EPOCH + timedelta(seconds=self.nanos // _NANO)
        fraction = f"{self.nanos % _NANO:09d}".rstrip("0")
        return f"{whole:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{fraction}Z" if fraction else "Z")


@dataclass(frozen=True, slots=True)
class Optional:
    """A value or its absence: `optional.of(1)`, `optional.none()`."""

    value: Any = None
    present: bool = True

    def get(self) -> Any:
        if not self.present:
            raise CelError("optional.none() dereference")
        return self.value


NOTHING = Optional(None, present=False)


class Objects(list[Any]):
    """A list that is a map by these fields of its items (x-kubernetes-list-type: map)."""

    __slots__ = ("keys",)
    keys: tuple[str, ...]

    def __init__(self, items: Iterable[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def by_key(self) -> dict[Any, Any]:
        return {tuple(str(item.get(key)) for key in self.keys): item for item in self}


class Instance(dict[str, Any]):
    """What an object literal makes: a map that knows its type's name."""

    __slots__ = ("name",)
    name: str

    def __init__(self, fields: dict[str, Any], name: str) -> None:
        super().__init__(fields)
        self.name = name


class Unique(list[Any]):
    """A list that is a set (x-kubernetes-list-type: set)."""

    __slots__ = ()


def decimal(nanos: int) -> str:
    """Billionths as a decimal number."""
    sign, size = ("-", -nanos) if nanos < 0 else ("", nanos)
    fraction = f"{size % _NANO:09d}".rstrip("0")
    return f"{sign}{size // _NANO}{f'.{fraction}' if fraction else ''}"


def equal(one: Any, other: Any) -> bool:
    """Equality of any two values; values of different types are different, except for numbers."""
    kind, kind2 = type(one), type(other)
    if kind is kind2 and kind in (str, int, float, bool, bytes, type(None)):
        return bool(one == other)
    if kind is bool or kind2 is bool:
        return False
    if isinstance(one, list):
        return isinstance(other, list) and _equal_lists(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and _equal_maps(one, other)
    if isinstance(one, Optional) and isinstance(other, Optional):
        return one.present == other.present and equal(one.value, other.value)
    return bool(one == other)


def _equal_lists(one: list[Any], other: list[Any]) -> bool:
    if len(one) != len(other):
        return False
    if isinstance(one, Unique):
        return all(contains(other, item) for item in one)
    if isinstance(one, Objects):
        others = Objects(other, one.keys).by_key()
        return all(key in others and equal(item, others[key]) for key, item in one.by_key().items())
    return all(map(equal, one, other))


def _equal_maps(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return len(one) == len(other) and all(key in other and equal(value, other[key]) for key, value in one.items())


def contains(items: list[Any], wanted: Any) -> bool:
    return any(equal(item, wanted) for item in items)


def compare(one: Any, other: Any) -> int:
    """Below, equal or above: -1, 0, 1. Raises CelError where the types have no order."""
    kind, kind2 = type(one), type(other)
    if kind is not kind2 and not (is_number(one) and is_number(other)):
        raise no_such_overload()
    if isinstance(one, str | int | float | bytes | Timestamp | Duration):
        return int(one > other) - int(one < other)
    raise no_such_overload()


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def within_int(number: int) -> int:
    if SMALLEST_INT <= number <= LARGEST_INT:
        return number
    raise CelError("integer overflow")


def within_uint(number: int) -> UInt:
    if 0 <= number <= LARGEST_UINT:
        return UInt(number)
    raise CelError("unsigned integer overflow")
