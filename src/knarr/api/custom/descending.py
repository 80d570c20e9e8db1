"""Ways down a value for what walks it beside what it was before: validators and rulers.

A walker is a closure over its schema; it is told what the value was, or NOTHING where that cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from knarr.api.custom.combining import NOTHING
from knarr.api.custom.lazily import Lazily
from knarr.api.kind import JSON
from knarr.machinery.trees import canonical_bytes

C = TypeVar("C")
Walker = Callable[[Any, Any, str, C], None]  # (value, what it was, its path, whatever is passed on)
Finder = Callable[[Any], Callable[[Any], Any]]  # of what a list was: of an item, what that was


def into_fields(fields: Lazily[Walker[C]], rest: Walker[C] | None, *, granular: bool, keyed: bool = False) -> Walker[C]:
    """Walk an object's fields, those that are not declared with `rest`. Only a granular one's were something before;
    `keyed` writes the paths of the others like `map[key]`.
    """

    def walk(value: Any, old: Any, path: str, passed: C) -> None:
        if type(value) is not dict:
            return
        before = old if granular and type(old) is dict else {}
        prefix = f"{path}." if path else ""
        for name, element in value.items():
            if inner := fields[name]:
                inner(element, before.get(name, NOTHING), prefix + name, passed)
            elif rest:
                rest(element, before.get(name, NOTHING), f"{path}[{name}]" if keyed else prefix + name, passed)

    return walk


def into_items(item: Walker[C], find: Finder) -> Walker[C]:
    """Walk a list's items."""

    def walk(value: Any, old: Any, path: str, passed: C) -> None:
        if type(value) is list:
            before = find(old)
            for index, element in enumerate(value):
                item(element, before(element), f"{path}[{index}]", passed)

    return walk


def finder(schema: JSON) -> Finder:
    """Of a list, what finds an item in what the list was before: only a map's items have something to know them by."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map":
        return lambda old: lambda item: NOTHING
    defaults = {key: (schema["items"].get("properties") or {}).get(key, {}).get("default") for key in keys}

    def identity(item: Any) -> bytes:
        return canonical_bytes([item.get(key, defaults[key]) for key in keys] if type(item) is dict else item)

    def find(old: Any) -> Callable[[Any], Any]:
        known = {identity(item): item for item in old} if type(old) is list else {}
        return lambda item: known.get(identity(item), NOTHING) if known else NOTHING

    return find


def is_same(value: Any, old: Any) -> bool:
    """Whether two trees are equal in JSON; to Python, 1 and True are too."""
    return value == old and canonical_bytes(value) == canonical_bytes(old)
