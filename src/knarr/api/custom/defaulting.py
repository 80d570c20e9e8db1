"""Defaults of custom resources: what a schema says of fields that are absent.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.api.kind import JSON
from knarr.machinery.trees import copied

Defaulter = Callable[[Any], None]


def defaulter(schema: JSON) -> Defaulter | None:
    """Fills a value in place; None where the schema has no defaults."""
    fill_object, fill_list = _object(schema), _list(schema)
    if fill_object is None:
        return fill_list
    if fill_list is None:
        return fill_object

    def default(value: Any) -> None:
        fill_object(value)
        fill_list(value)

    return default


def _object(schema: JSON) -> Defaulter | None:
    properties: JSON = schema.get("properties") or {}
    constants = [(name, field["default"]) for name, field in properties.items() if field.get("default") is not None]
    children = [(name, fill) for name, field in properties.items() if (fill := defaulter(field))]
    fill_others = _others(schema.get("additionalProperties"), frozenset(properties))
    if not constants and not children and fill_others is None:
        return None

    def default(value: Any) -> None:
        if type(value) is not dict:
            return
        for name, constant in constants:
            if name not in value:
                value[name] = copied(constant) if isinstance(constant, dict | list) else constant
        for name, fill in children:
            if name in value:
                fill(value[name])
        if fill_others:
            fill_others(value)

    return default


def _others(schema: Any, named: frozenset[str]) -> Defaulter | None:
    """Of a map: its values, and nulls where none may be."""
    if not isinstance(schema, dict):
        return None
    fill, standing = defaulter(schema), _for_null(schema)
    if fill is None and standing is None:
        return None

    def default(value: JSON) -> None:
        for name, element in value.items():
            if name in named:
                continue
            if element is None and standing is not None:
                value[name] = element = copied(standing)
            if fill:
                fill(element)

    return default


def _list(schema: JSON) -> Defaulter | None:
    items = schema.get("items")
    if not isinstance(items, dict):
        return None
    fill, standing = defaulter(items), _for_null(items)
    if fill is None and standing is None:
        return None

    def default(value: Any) -> None:
        if type(value) is not list:
            return
        for index, element in enumerate(value):
            if element is None and standing is not None:
                value[index] = element = copied(standing)
            if fill:
                fill(element)

    return default


def _for_null(schema: JSON) -> Any:
    return None if schema.get("nullable") else schema.get("default")
