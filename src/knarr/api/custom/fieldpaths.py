"""Paths to fields of a schema, as rules and selectable fields write them: `.spec.a['b.c']`.

Upstream: ValidFieldPath of k8s.io/apiextensions-apiserver, pkg/apiserver/schema/cel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from knarr.api.kind import JSON

_PARTS = re.compile(r"'(?:\\.|[^'\\])*'|[.\[\]]|[^.\[\]]+")


class FieldPathError(ValueError):
    """A path that leads nowhere; the message is upstream's."""


class Field(NamedTuple):
    """Where a path leads: its text as messages write it (`spec.a.b.c`, and `spec.map[key]`), and the schema there."""

    path: str
    schema: JSON


def field_at(path: str, schema: JSON, *, keys: bool = True) -> Field:
    """Follow a path from a schema; unless `keys`, with dots alone. Raises FieldPathError."""
    found = Field("", schema)
    parts = iter(_PARTS.findall(path))
    for part in parts:
        if part == ".":
            found = _step(found, _next(parts))
        elif part == "[" and keys:
            found = _step(found, _key(_next(parts)))
            if (end := _next(parts)) != "]":
                raise FieldPathError(f"expected ] but got {end}")
        else:
            raise FieldPathError("array notation is not allowed" if part == "[" else f"expected [ or . but got: {part}")
    return found


def _next(parts: Iterator[str]) -> str:
    part = next(parts, None)
    if part is None:
        raise FieldPathError("unexpected end of JSON path")
    return part


def _key(part: str) -> str:
    if len(part) < 2 or not (part[0] == part[-1] == "'"):
        raise FieldPathError(f"expected single quoted string but got {part}")
    return re.sub(r"\\(.)", r"\1", part[1:-1])


def _step(found: Field, name: str) -> Field:
    """To a field of this name, or to a map's value."""
    properties, additional = found.schema.get("properties"), found.schema.get("additionalProperties")
    if properties is None and additional is not None:
        return Field(f"{found.path}[{name}]", additional if isinstance(additional, dict) else {})
    if name not in (properties or {}):
        raise FieldPathError("does not refer to a valid field")
    return Field(f"{found.path}.{name}" if found.path else name, (properties or {})[name])
