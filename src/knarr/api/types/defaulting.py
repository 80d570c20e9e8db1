"""What an object gets that its author left out: a struct's own defaults, its children's, then what hangs on both.

Compiled away where nothing can be defaulted: most of an object is never visited.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types.attached import rules_of
from knarr.api.types.shapes import ListOf, MapOf, Reach, Shape, Struct
from knarr.machinery.trees import copied

Defaulter = Callable[..., None]  # given a value; a struct's also the names of its fields that are not yet defaulted


def defaulter(shape: Shape) -> Defaulter:
    return _defaulter(shape) if _is_visited(shape) else _nothing


def _nothing(value: Any, touched: Collection[str] | None = None) -> None:
    return None


@cache
def _defaulter(shape: Shape) -> Defaulter:
    match shape:
        case Struct():
            return _struct(shape)
        case ListOf(inner):
            return _list(_defaulter(inner))
        case MapOf(inner):
            return _map(_defaulter(inner))
        case _:
            return _nothing


def _list(default_item: Defaulter) -> Defaulter:
    def default(value: Any) -> None:
        for item in value:
            default_item(item)

    return default


def _map(default_item: Defaulter) -> Defaulter:
    def default(value: Any) -> None:
        for item in value.values():
            default_item(item)

    return default


def _struct(shape: Struct) -> Defaulter:
    rules = rules_of(shape.name)
    given = [*shape.zeros.items(), *((name, value) for rule in rules for name, value in rule.defaults.items())]
    constants = [(name, value) for name, value in given if not callable(value) and not _is_composite(value)]
    functions = [(name, _fresh(value)) for name, value in given if _is_composite(value)]
    functions += [(name, value) for name, value in given if callable(value)]
    finishers = [rule.default for rule in rules if rule.default]
    default_parts = _parts(shape)
    if not (given or finishers):
        return default_parts

    def default(value: JSON, touched: Collection[str] | None = None) -> None:
        get = value.get
        for name, constant in constants:
            if (found := get(name)) is None or found == "":  # upstream's defaults do not tell empty text from none
                value[name] = constant
        for name, function in functions:
            if ((found := get(name)) is None or found == "") and (derived := function(value)) is not None:
                value[name] = derived
        default_parts(value, touched)
        for finish in finishers:
            finish(value)

    return default


def _is_composite(value: Any) -> bool:
    return isinstance(value, dict | list)


def _fresh(constant: Any) -> Callable[[JSON], Any]:
    """A composite default is made anew for each object."""
    make = type(constant)
    return lambda value: copied(constant) if constant else make()


def _parts(shape: Struct) -> Defaulter:
    """The defaults of what a struct holds."""
    children: list[tuple[str, Defaulter]] | None = None  # found at first use: shapes may be recursive

    def default(value: JSON, touched: Collection[str] | None = None) -> None:
        nonlocal children
        if children is None:
            children = list(_children(shape).items())
        for name, default_child in children:
            if name in value and (touched is None or name in touched):
                default_child(value[name])

    return default


def _children(shape: Struct) -> dict[str, Defaulter]:
    return {name: _defaulter(field.shape) for name, field in shape.fields.items() if _is_visited(field.shape)}


_is_visited = Reach(
    lambda shape: bool(shape.zeros) or any(rule.defaults or rule.default for rule in rules_of(shape.name))
)
