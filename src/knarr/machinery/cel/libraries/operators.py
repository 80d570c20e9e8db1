"""Operators, and what every type has: size, type, dyn.

https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from knarr.machinery.cel.errors import CelError, CostError, no_such_key, no_such_overload
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    CelType,
    list_of,
    map_of,
    optional_of,
)
from knarr.machinery.cel.values import (
    NOTHING,
    Duration,
    Objects,
    Optional,
    Timestamp,
    UInt,
    compare,
    contains,
    equal,
    within_int,
    within_uint,
)

_LONGEST_LIST = 2_000_000  # items: more than a request has room for
_FIRST_TIME, _LAST_TIME = -62135596800 * 10**9, 253402300800 * 10**9


def add(one: Any, other: Any) -> Any:
    """`one + other`. Raises CelError."""
    if type(one) is type(other):
        match one:
            case str() | float() | bytes():
                return one + other
            case UInt():
                return within_uint(int(one) + int(other))
            case int() if not isinstance(one, bool):
                return within_int(one + other)
            case Duration():
                return Duration(within_int(one.nanos + other.nanos))
    if isinstance(one, list) and isinstance(other, list):
        return _concatenated(one, other)
    match one, other:
        case (Timestamp(nanos=time), Duration(nanos=length)) | (Duration(nanos=length), Timestamp(nanos=time)):
            return _time(time + length)
    raise no_such_overload()


def _concatenated(one: list[Any], other: list[Any]) -> list[Any]:
    """A set's union and a map's merge, where the left list is one (x-kubernetes-list-type).

    Putting lists together costs 1, however long they are; so their length has a limit of its own. Raises CostError.
    """
    if len(one) + len(other) > _LONGEST_LIST:
        raise CostError
    if isinstance(one, Objects):
        return Objects({**one.by_key(), **Objects(other, one.keys).by_key()}.values(), one.keys)
    if type(one) is not list:
        return type(one)([*one, *(item for item in other if not contains(one, item))])
    return [*one, *other]


def _time(nanos: int) -> Timestamp:
    if _FIRST_TIME <= nanos < _LAST_TIME:
        return Timestamp(nanos)
    raise CelError("timestamp overflow")


def _subtract(one: Any, other: Any) -> Any:
    match one, other:
        case float(), float():
            return one - other
        case UInt(), UInt():
            return within_uint(int(one) - int(other))
        case Duration(), Duration():
            return Duration(within_int(one.nanos - other.nanos))
        case Timestamp(), Timestamp():
            return Duration(within_int(one.nanos - other.nanos))
        case Timestamp(), Duration():
            return _time(one.nanos - other.nanos)
    if type(one) is int and type(other) is int:
        return within_int(one - other)
    raise no_such_overload()


def _multiply(one: Any, other: Any) -> Any:
    if type(one) is type(other):
        match one:
            case float():
                return one * other
            case UInt():
                return within_uint(int(one) * int(other))
            case int() if not isinstance(one, bool):
                return within_int(one * other)
    raise no_such_overload()


def _divide(one: Any, other: Any) -> Any:
    if isinstance(one, float) and isinstance(other, float):
        if other:
            return one / other
        return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one) * math.copysign(1, other)
    if type(one) is not type(other) or type(one) not in (int, UInt):
        raise no_such_overload()
    if not other:
        raise CelError("division by zero")
    quotient = abs(one) // abs(other)
    return UInt(quotient) if isinstance(one, UInt) else within_int(quotient if (one < 0) == (other < 0) else -quotient)


def _remainder(one: Any, other: Any) -> Any:
    if type(one) is not type(other) or type(one) not in (int, UInt):
        raise no_such_overload()
    if not other:
        raise CelError("modulus by zero")
    rest = abs(one) % abs(other)
    return UInt(rest) if isinstance(one, UInt) else -rest if one < 0 else rest


def _negate(value: Any) -> Any:
    match value:
        case float():
            return -value
        case Duration():
            return Duration(within_int(-value.nanos))
    if type(value) is int:
        return within_int(-value)
    raise no_such_overload()


def _not(value: Any) -> bool:
    if isinstance(value, bool):
        return not value
    raise no_such_overload()


def _index(holder: Any, index: Any) -> Any:
    if isinstance(holder, dict):
        try:
            return holder[index]
        except KeyError:
            raise no_such_key(index) from None
        except TypeError:
            raise no_such_overload() from None
    if isinstance(holder, Optional):
        return _optional_index(holder, index)
    if not isinstance(holder, list):
        raise no_such_overload()
    if isinstance(index, bool) or not isinstance(index, int | float) or index != int(index):
        raise no_such_overload()
    if not 0 <= index < len(holder):
        raise CelError(f"index out of bounds: {index}")
    return holder[int(index)]


def _optional_index(holder: Any, index: Any) -> Optional:
    if isinstance(holder, Optional):
        if not holder.present:
            return NOTHING
        holder = holder.value
    if isinstance(holder, dict) and isinstance(index, str | int | float):
        return Optional(holder[index]) if index in holder else NOTHING
    if isinstance(holder, list) and type(index) is int:
        return Optional(holder[index]) if 0 <= index < len(holder) else NOTHING
    raise no_such_overload()


def _in(value: Any, holder: Any) -> bool:
    if isinstance(holder, dict):
        return isinstance(value, str | int | float) and value in holder
    if isinstance(holder, list):
        return value in holder if type(value) is str else contains(holder, value)
    raise no_such_overload()


def _size(value: Any) -> int:
    if isinstance(value, str | bytes | list | dict):
        return len(value)
    raise no_such_overload()


_TYPES: tuple[tuple[type, CelType], ...] = (
    (bool, BOOL),
    (UInt, UINT),
    (int, INT),
    (float, DOUBLE),
    (str, STRING),
    (bytes, BYTES),
    (list, list_of(DYN)),
    (dict, map_of(DYN, DYN)),
    (Timestamp, TIMESTAMP),
    (Duration, DURATION),
    (type(None), NULL),
    (Optional, optional_of(DYN)),
    (CelType, CelType("type")),
)


def type_of(value: Any) -> CelType:
    """`type(value)`."""
    found = next((t for kind, t in _TYPES if isinstance(value, kind)), None)
    return found or CelType(value.cel_type)


def _compared(verdict: Callable[[int], bool]) -> Callable[[Any, Any], bool]:
    def run(one: Any, other: Any) -> bool:
        if one != one or other != other:  # noqa: PLR0124 - NaN is below, above and equal to nothing
            return False
        return verdict(compare(one, other))

    return run


_ORDERED = ("bool", "string", "bytes", "timestamp", "duration")
_NUMBERS = ("int", "uint", "double")
_RELATIONS = {
    "_<_": _compared(lambda order: order < 0),
    "_<=_": _compared(lambda order: order <= 0),
    "_>_": _compared(lambda order: order > 0),
    "_>=_": _compared(lambda order: order >= 0),
}

OVERLOADS = (
    overload("_&&_(bool, bool) -> bool", _not),  # these three are the evaluator's own: not all operands are evaluated
    overload("_||_(bool, bool) -> bool", _not),
    overload("_?_:_(bool, T, T) -> T", _not),
    overload("!_(bool) -> bool", _not),
    *(overload(f"-_({t}) -> {t}", _negate) for t in ("int", "double", "duration")),
    overload("_==_(T, T) -> bool", equal, costs.shorter),
    overload("_!=_(T, T) -> bool", lambda one, other: not equal(one, other), costs.shorter),
    *(overload(f"{name}({t}, {t}) -> bool", run, costs.shorter) for name, run in _RELATIONS.items() for t in _ORDERED),
    *(
        overload(f"{name}({t}, {u}) -> bool", run, costs.shorter)
        for name, run in _RELATIONS.items()
        for t in _NUMBERS
        for u in _NUMBERS
    ),
    *(overload(f"_+_({t}, {t}) -> {t}", add) for t in (*_NUMBERS, "duration")),
    *(overload(f"_+_({t}, {t}) -> {t}", add, costs.both, costs.total, least=True) for t in ("string", "bytes")),
    overload("_+_(list<T>, list<T>) -> list<T>", add, grows=costs.total, least=True),
    overload("_+_(timestamp, duration) -> timestamp", add),
    overload("_+_(duration, timestamp) -> timestamp", add),
    *(overload(f"_-_({t}, {t}) -> {t}", _subtract) for t in (*_NUMBERS, "duration")),
    overload("_-_(timestamp, timestamp) -> duration", _subtract),
    overload("_-_(timestamp, duration) -> timestamp", _subtract),
    *(overload(f"_*_({t}, {t}) -> {t}", _multiply) for t in _NUMBERS),
    *(overload(f"_/_({t}, {t}) -> {t}", _divide) for t in _NUMBERS),
    *(overload(f"_%_({t}, {t}) -> {t}", _remainder) for t in ("int", "uint")),
    overload("_[_](list<T>, int) -> T", _index),
    overload("_[_](map<K, T>, K) -> T", _index),
    overload("_[_](optional<list<T>>, int) -> optional<T>", _index),
    overload("_[_](optional<map<K, T>>, K) -> optional<T>", _index),
    overload("_[?_](list<T>, int) -> optional<T>", _optional_index),
    overload("_[?_](map<K, T>, K) -> optional<T>", _optional_index),
    overload("_[?_](optional<list<T>>, int) -> optional<T>", _optional_index),
    overload("_[?_](optional<map<K, T>>, K) -> optional<T>", _optional_index),
    overload("@in(T, list<T>) -> bool", _in, costs.count(1)),
    overload("@in(K, map<K, T>) -> bool", _in),
    *(overload(f"size({t}) -> int", _size) for t in ("string", "bytes", "list<T>", "map<K, T>")),
    *(overload(f"{t}.size() -> int", _size) for t in ("string", "bytes", "list<T>", "map<K, T>")),
    overload("dyn(T) -> dyn", lambda value: value),
    overload("type(T) -> type<T>", type_of),
)
