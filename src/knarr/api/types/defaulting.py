"""What an object gets that its author left out: a struct's own defaults, its children's, then what hangs on both.

Compiled away where nothing can be defaulted: most of an object is never visited.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types.attached import rules_of
from knarr.api.types.shapes import ListOf, MapOf, Reach, Shape, Struct

Defaulter = Callable[[Any], None]

_UNSET = (None, "")  # upstream's defaults do not tell empty text from none


def defaulter(shape: Shape) -> Defaulter:
    return _defaulter(shape) if _is_visited(shape) else _nothing


def _nothing(value: Any) -> None:
    return None


@cache
def _defaulter(shape: Shape) -> Defaulter:
    match shape:
        case Struct():
            return _struct(shape)
        case ListOf(inner):
            return _each(inner, lambda value: value)
        case MapOf(inner):
            return _each(inner, lambda value: value.values())
        case _:
            return _nothing


def _each(inner: Shape, items: Callable[[Any], Any]) -> Defaulter:
    default_item = _defaulter(inner)

    def default(value: Any) -> None:
        for item in items(value):
            default_item(item)

    return default


def _struct(shape: Struct) -> Defaulter:
    rules = rules_of(shape.name)
    given = [(name, value) for rule in rules for name, value in rule.defaults.items()]
    constants = [(name, value) for name, value in given if not callable(value)]
    functions = [(name, value) for name, value in given if callable(value)]
    finishers = [rule.default for rule in rules if rule.default]
    if not (given or finishers):
        return _parts(shape)
    children: dict[str, Defaulter] | None = None  # found at first use: shapes may be recursive

    def default(value: JSON) -> None:
        nonlocal children
        for name, constant in constants:
            if value.get(name) in _UNSET:
                value[name] = deepcopy(constant) if isinstance(constant, dict | list) else constant
        for name, function in functions:
            if value.get(name) in _UNSET and (derived := function(value)) is not None:
                value[name] = derived
        if children is None:
            children = _children(shape)
        for name, default_child in children.items():
            if name in value:
                default_child(value[name])
        for finish in finishers:
            finish(value)

    return default


def _parts(shape: Struct) -> Defaulter:
    """Of a struct that has no defaults itself."""
    children: list[tuple[str, Defaulter]] | None = None

    def default(value: JSON) -> None:
        nonlocal children
        if children is None:
            children = list(_children(shape).items())
        for name, default_child in children:
            if name in value:
                default_child(value[name])

    return default


def _children(shape: Struct) -> dict[str, Defaulter]:
    return {name: _defaulter(field.shape) for name, field in shape.fields.items() if _is_visited(field.shape)}


_is_visited = Reach(lambda shape: any(rule.defaults or rule.default for rule in rules_of(shape.name)))
