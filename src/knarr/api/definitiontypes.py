"""Published definitions as types of expressions: an object's fields become types when an expression reaches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from knarr.api.schema import REFERENCE, definition
from knarr.machinery.cel import DYN, STRING, CelType, list_of, map_of, object_of, type_of_schema
from knarr.machinery.cel.names import escape

METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class _Fields(Mapping[str, CelType]):
    """The fields of a definition, by their escaped names; definitions may hold themselves."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._properties = {escaped: schema for name, schema in properties.items() if (escaped := escape(name))}
        self._made: dict[str, CelType] = {}

    def __getitem__(self, name: str) -> CelType:
        if name not in self._made:
            self._made[name] = _type(self._properties[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)


@cache
def type_of_definition(name: str) -> CelType:
    """The type of a definition's values. Raises KeyError."""
    schema = definition(name)
    if "properties" in schema:
        return object_of(name, _Fields(schema["properties"]))
    return _type(schema)


def type_of_custom(schema: Mapping[str, Any]) -> CelType:
    """The type of a custom resource: what its schema says, and the metadata that all objects have."""
    found = type_of_schema(schema, root=True)
    if found is None or found.fields is None:
        return DYN
    return object_of(found.name, {**found.fields, "metadata": type_of_definition(METADATA)})


def _type(schema: Mapping[str, Any]) -> CelType:
    if reference := schema.get("$ref"):
        return type_of_definition(reference.removeprefix(REFERENCE))
    if parts := schema.get("allOf"):
        return _type(parts[0])
    match schema.get("type"):
        case "array":
            return list_of(_type(schema["items"]))
        case "object":
            return map_of(STRING, _type(schema.get("additionalProperties") or {}))
    return type_of_schema(schema) or DYN
