"""What an update may not do: immutable fields and the rules that compare a struct with what it was.

Items of a list that is a map are compared by key, of others by index where the length has not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types.attached import rules_of
from knarr.api.types.shapes import ListOf, MapOf, Reach, Shape, Struct
from knarr.machinery import fielderrors
from knarr.machinery.fielderrors import FieldError

Comparer = Callable[[Any, Any, str, list[FieldError]], None]  # (new, old, path, where to put errors)


def comparer(shape: Shape) -> Comparer:
    return _comparer(shape) if _is_compared(shape) else _nothing


def _nothing(new: Any, old: Any, path: str, errors: list[FieldError]) -> None:
    return None


@cache
def _comparer(shape: Shape) -> Comparer:
    match shape:
        case Struct():
            return _struct(shape)
        case ListOf(item):
            return _list(shape.keys, _comparer(item))
        case MapOf(value):
            return _map(_comparer(value))
        case _:
            return _nothing


def _struct(shape: Struct) -> Comparer:
    rules = rules_of(shape.name)
    immutable = tuple(name for rule in rules for name in rule.immutable)
    whole = [rule.validate_update for rule in rules if rule.validate_update]
    children: dict[str, Comparer] | None = None  # found at first use: shapes may be recursive

    def compare(new: JSON, old: JSON, path: str, errors: list[FieldError]) -> None:
        nonlocal children
        if children is None:
            children = {n: _comparer(f.shape) for n, f in shape.fields.items() if _is_compared(f.shape)}
        prefix = f"{path}." if path else ""
        changed = (name for name in immutable if new.get(name) != old.get(name))
        errors.extend(fielderrors.invalid(prefix + name, new.get(name), "field is immutable") for name in changed)
        for name, compare_child in children.items():
            if name in new and name in old and new[name] is not old[name]:  # a patch shares what it leaves alone
                compare_child(new[name], old[name], prefix + name, errors)
        for validate in whole:
            errors.extend(validate(new, old, path))

    return compare


def _list(keys: tuple[str, ...], compare_item: Comparer) -> Comparer:
    def compare(new: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        for index, item, before in _pairs(new, old, keys):
            compare_item(item, before, f"{path}[{index}]", errors)

    return compare


def _pairs(new: list[Any], old: list[Any], keys: tuple[str, ...]) -> Iterator[tuple[int, Any, Any]]:
    """Each item with what it was."""
    if not keys:
        same_length = len(new) == len(old)
        yield from zip(range(len(new)), new, old, strict=True) if same_length else ()
        return
    before = {tuple(item.get(key) for key in keys): item for item in old}
    for index, item in enumerate(new):
        identity = tuple(item.get(key) for key in keys)
        if identity in before:
            yield index, item, before[identity]


def _map(compare_value: Comparer) -> Comparer:
    def compare(new: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        for key in new.keys() & old.keys():
            compare_value(new[key], old[key], f"{path}[{key}]", errors)

    return compare


_is_compared = Reach(lambda shape: any(rule.immutable or rule.validate_update for rule in rules_of(shape.name)))
