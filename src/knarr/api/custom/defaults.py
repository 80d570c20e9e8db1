"""The defaults that a schema gives must be what the schema itself lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from knarr.api.custom.combining import NOTHING
from knarr.api.custom.decoding import pruner
from knarr.api.custom.descending import is_same
from knarr.api.custom.values import validator
from knarr.api.kind import JSON
from knarr.api.types.mismatches import DecodeError
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.trees import copied


def check_defaults(schema: JSON, path: str) -> list[FieldError]:
    """What is wrong with the defaults of a structural schema."""
    return [*_walk(schema, path)]


def _walk(schema: JSON, path: str) -> Iterator[FieldError]:
    if schema.get("default") is not None:
        yield from _default(schema, f"{path}.default")
    for name, field in (schema.get("properties") or {}).items():
        yield from _walk(field, f"{path}.properties[{name}]")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _walk(schema[name], f"{path}.{name}")


def _default(schema: JSON, path: str) -> Iterator[FieldError]:
    value = copied(schema["default"])
    try:
        _prune(schema, value)
    except DecodeError as error:
        yield invalid(path, schema["default"], str(error))
        return
    if not is_same(value, schema["default"]):
        yield invalid(path, schema["default"], "must not have unknown fields")
        return
    errors: list[FieldError] = []
    validator(schema)(value, NOTHING, path, errors)
    yield from errors


def _prune(schema: JSON, value: Any) -> None:
    """Prune a value by its own schema: as a field of an object that has nothing else."""
    pruner({"type": "object", "properties": {"default": schema}})({"default": value}, None, [])
