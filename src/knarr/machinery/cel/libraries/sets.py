"""Lists as sets. https://pkg.go.dev/github.com/google/cel-go/ext#Sets"""

from __future__ import annotations

from typing import Any

from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.values import contains


def _contains(items: list[Any], others: list[Any]) -> bool:
    return all(contains(items, other) for other in others)


def _equivalent(one: list[Any], other: list[Any]) -> bool:
    return _contains(one, other) and _contains(other, one)


def _intersects(one: list[Any], other: list[Any]) -> bool:
    return any(contains(one, item) for item in other)


OVERLOADS = (
    overload("sets.contains(list<T>, list<T>) -> bool", _contains, costs.product),
    overload("sets.equivalent(list<T>, list<T>) -> bool", _equivalent, costs.product),
    overload("sets.intersects(list<T>, list<T>) -> bool", _intersects, costs.product),
)
