"""OpenAPI v3 schemas as types of expressions.

https://kubernetes.io/docs/reference/using-api/cel/#type-system-integration. Sizes follow the schema's limits, or what
fits into a request of 3 MiB where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knarr.machinery.cel.names import escape
from knarr.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    CelType,
    list_of,
    map_of,
    object_of,
)

REQUEST_SIZE = 3 * 1024 * 1024  # bytes of the largest request
_SCALARS = {"boolean": BOOL.sized(0), "integer": INT.sized(0), "number": DOUBLE.sized(0)}
_FORMATS = {"byte": BYTES, "date": TIMESTAMP, "date-time": TIMESTAMP, "duration": DURATION}
_LEAST = {"boolean": 4, "integer": 1, "number": 1, "string": 2, "object": 2, "array": 2}  # bytes of JSON
_LEAST_FORMATTED = {"date": 12, "date-time": 21, "duration": 3}
_MOST_FORMATTED = {"date": 12, "date-time": 32, "duration": 32}
_METADATA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
}
_BYTES_PER_CHARACTER = 4
_FIELD, _ENTRY = 4, 6  # bytes around a field's name and value: quotes, colon, comma; upstream counts more for maps


def type_of_schema(schema: Mapping[str, Any], name: str = "object", *, root: bool = False) -> CelType | None:
    """The type of values that the schema allows; None where expressions cannot reach them (no structure, no type).

    `root` is an object of its own, and so is `x-kubernetes-embedded-resource`: apiVersion, kind and metadata's name and
    generateName can be read. `name` is what messages call an object.
    """
    if schema.get("x-kubernetes-int-or-string"):
        return DYN.sized(REQUEST_SIZE - 2)
    kind = schema.get("type", "")
    match kind:
        case "array":
            return _list(schema, name)
        case "object":
            return _object(schema, name, resource=root or bool(schema.get("x-kubernetes-embedded-resource")))
        case "string":
            return _string(schema)
    return _SCALARS.get(kind) or (DYN if schema.get("x-kubernetes-preserve-unknown-fields") else None)


def _list(schema: Mapping[str, Any], name: str) -> CelType | None:
    items = schema.get("items")
    item = type_of_schema(items, f"{name}.@idx") if items else None
    if item is None or items is None:
        return None
    size = schema.get("maxItems", _most(least_size(items) + 1))
    keys = tuple(schema.get("x-kubernetes-list-map-keys", ())) if _list_type(schema) == "map" else ()
    return list_of(item, size, keys=keys, unique=_list_type(schema) == "set")


def _list_type(schema: Mapping[str, Any]) -> str:
    return str(schema.get("x-kubernetes-list-type", ""))


def _object(schema: Mapping[str, Any], name: str, *, resource: bool) -> CelType | None:
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping) and (inner := type_of_schema(values, f"{name}.@elem")):
        size = schema.get("maxProperties", _most(least_size(values) + _ENTRY))
        return map_of(STRING.sized(REQUEST_SIZE - 2), inner, size)
    properties = dict(schema.get("properties") or {})
    if resource:
        properties = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, **properties, "metadata": _METADATA}
    fields = {}
    for key, value in properties.items():
        escaped, inner = escape(key), type_of_schema(value, f"{name}.{key}")
        if escaped and inner:
            fields[escaped] = inner
    return object_of(name, fields)


def _string(schema: Mapping[str, Any]) -> CelType:
    form, longest = schema.get("format", ""), schema.get("maxLength")
    found = _FORMATS.get(form, STRING)
    if form in _MOST_FORMATTED:
        return found.sized(_MOST_FORMATTED[form])
    if longest is not None:
        return found.sized(longest if found != STRING else longest * _BYTES_PER_CHARACTER)
    if found == STRING and (enum := schema.get("enum")):
        return found.sized(max(len(str(value)) for value in enum))
    return found.sized(REQUEST_SIZE - 2)


def _most(size: int) -> int:
    """How many things of this size a request has room for."""
    return (REQUEST_SIZE - 2) // size


def least_size(schema: Mapping[str, Any]) -> int:
    """The fewest bytes that a value takes as JSON."""
    if schema.get("x-kubernetes-int-or-string"):
        return 1
    kind = schema.get("type", "")
    if kind == "string":
        return _LEAST_FORMATTED.get(schema.get("format", ""), 2)
    if kind != "object":
        return _LEAST.get(kind, 1)
    properties = schema.get("properties") or {}
    needed = [key for key in schema.get("required") or () if key in properties and "default" not in properties[key]]
    return 2 + sum(len(key) + _FIELD + least_size(properties[key]) for key in needed)
