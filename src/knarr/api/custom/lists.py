"""Lists that are sets or maps: what a schema must say of them, and what is twice in a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, not_supported, required
from knarr.machinery.trees import canonical_bytes

_TYPE, _KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
_LIST_TYPES = ("atomic", "map", "set")


def check_list(schema: JSON, path: str) -> Iterator[FieldError]:
    """What is wrong with a schema's list type and keys."""
    kind, keys, items = schema.get(_TYPE), schema.get(_KEYS) or [], schema.get("items")
    if kind is None:
        if keys:
            yield required(f"{path}.{_TYPE}", f"must be map if {_KEYS} is non-empty")
        return
    if schema.get("type") != "array":
        yield _wrong_type(schema, path)
    elif kind == "set" and isinstance(items, dict):
        yield from _set_items(items, f"{path}.items")
    if kind not in _LIST_TYPES:
        yield not_supported(f"{path}.{_TYPE}", kind, _LIST_TYPES)
    if keys and kind != "map":
        yield invalid(f"{path}.{_TYPE}", kind, f"must be map if {_KEYS} is non-empty")
    if kind == "map":
        yield from _map(keys, items, path)
    if kind in ("map", "set") and isinstance(items, dict):
        yield from _keyed_items(kind, keys, items, f"{path}.items")


def _wrong_type(schema: JSON, path: str) -> FieldError:
    why = f"must be array if {_TYPE} is specified"
    return invalid(f"{path}.type", schema["type"], why) if schema.get("type") else required(f"{path}.type", why)


def _set_items(items: JSON, path: str) -> Iterator[FieldError]:
    why = f"must be atomic as item of a list with {_TYPE}=set"
    if items.get("type") == "array" and items.get(_TYPE) not in (None, "atomic"):
        yield invalid(f"{path}.{_TYPE}", items[_TYPE], why)
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        yield invalid(f"{path}.x-kubernetes-map-type", items.get("x-kubernetes-map-type"), why)


def _map(keys: list[str], items: Any, path: str) -> Iterator[FieldError]:
    if not keys:
        yield required(f"{path}.{_KEYS}", f"must not be empty if {_TYPE} is map")
    if items is None:
        yield required(f"{path}.items", f"must have a schema if {_TYPE} is map")
    elif not isinstance(items, dict):
        yield invalid(f"{path}.items", items, f"must only have a single schema if {_TYPE} is map")
    elif items.get("type") != "object":
        why = f"must be object if parent array's {_TYPE} is map"
        yield invalid(f"{path}.items.type", items.get("type", ""), why)
    else:
        yield from _map_keys(keys, items, path)


def _map_keys(keys: list[str], items: JSON, path: str) -> Iterator[FieldError]:
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            yield invalid(f"{path}.{_KEYS}", keys, "entries must all be names of item properties")
        elif properties[key].get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {_TYPE} is map"
            yield invalid(f"{path}.items.properties[{key}].type", items["type"], why)
        if key in keys[:index]:
            yield invalid(f"{path}.{_KEYS}", keys, "must not contain duplicate entries")


def _keyed_items(kind: str, keys: list[str], items: JSON, path: str) -> Iterator[FieldError]:
    """An item must have what it is known by."""
    if items.get("nullable"):
        yield forbidden(f"{path}.nullable", f"cannot be nullable when {_TYPE} is {kind}")
    for key in keys if kind == "map" else ():
        found, at = (items.get("properties") or {}).get(key), f"{path}.properties[{key}]"
        if found is None:
            continue
        if key not in (items.get("required") or ()) and "default" not in found:
            why = f"this property is in {_KEYS}, so it must have a default or be a required property"
            yield required(f"{at}.default", why)
        if found.get("nullable"):
            yield forbidden(f"{at}.nullable", f"this property is in {_KEYS}, so it cannot be nullable")


def uniqueness(schema: JSON) -> Callable[[list[Any], str], Iterator[FieldError]] | None:
    """Finds what a list has twice; None where a list may have anything."""
    if schema.get(_TYPE) == "set":
        return lambda items, path: _twice(items, items, path)
    if schema.get(_TYPE) != "map":
        return None
    keys = schema.get(_KEYS) or []
    defaults = {key: (schema["items"].get("properties") or {}).get(key, {}).get("default") for key in keys}

    def check(items: list[Any], path: str) -> Iterator[FieldError]:
        maps = [item if isinstance(item, dict) else {} for item in items]
        return _twice([{key: item.get(key, defaults[key]) for key in keys} for item in maps], items, path)

    return check


def _twice(identities: list[Any], items: list[Any], path: str) -> Iterator[FieldError]:
    seen = set()
    for index, identity in enumerate(identities):
        text = canonical_bytes(identity)
        if text in seen:
            yield duplicate(f"{path}[{index}]", identity)
        seen.add(text)
