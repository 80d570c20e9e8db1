"""Kubernetes' list library. https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Any

from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.libraries.operators import add
from knarr.machinery.cel.values import Duration, UInt, compare, equal

_SUMMABLE = {"int": 0, "uint": UInt(0), "double": 0.0, "duration": Duration(0)}
_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")


def _is_sorted(items: list[Any]) -> bool:
    return all(compare(one, other) <= 0 for one, other in pairwise(items))


def _smallest(items: list[Any]) -> Any:
    if not items:
        raise CelError("min called on empty list")
    return reduce(lambda one, other: other if compare(other, one) < 0 else one, items)


def _largest(items: list[Any]) -> Any:
    if not items:
        raise CelError("max called on empty list")
    return reduce(lambda one, other: other if compare(other, one) > 0 else one, items)


def _index_of(items: list[Any], wanted: Any) -> int:
    return next((index for index, item in enumerate(items) if equal(item, wanted)), -1)


def _last_index_of(items: list[Any], wanted: Any) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if equal(items[index], wanted)), -1)


def _sums(zero: Any) -> Any:
    return lambda items: reduce(add, items, zero)


OVERLOADS = (
    *(overload(f"list<{t}>.isSorted() -> bool", _is_sorted, costs.items()) for t in _COMPARABLE),
    *(overload(f"list<{t}>.sum() -> {t}", _sums(zero), costs.items()) for t, zero in _SUMMABLE.items()),
    *(overload(f"list<{t}>.min() -> {t}", _smallest, costs.items()) for t in _COMPARABLE),
    *(overload(f"list<{t}>.max() -> {t}", _largest, costs.items()) for t in _COMPARABLE),
    overload("list<T>.indexOf(T) -> int", _index_of, costs.items()),
    overload("list<T>.lastIndexOf(T) -> int", _last_index_of, costs.items()),
)
