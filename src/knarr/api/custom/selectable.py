"""Fields of custom resources that selectors may name: KEP-4358."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from knarr.api.custom.places import placed
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many

MOST = 8
_SCALARS = ("boolean", "integer", "string")
_PATH = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_-]*)+")


def check_selectable(spec: JSON) -> Iterator[FieldError]:
    """What is wrong with the selectable fields of a definition."""
    for part in placed(spec, "selectableFields"):
        schema = (part.versions[0].get("schema") or {}).get("openAPIV3Schema") or {}
        yield from _fields(part.path, [field.get("jsonPath", "") for field in part.value], schema)


def _fields(path: str, fields: list[str], schema: JSON) -> Iterator[FieldError]:
    for index, field in enumerate(fields):
        at = f"{path}[{index}].jsonPath"
        if not field:
            yield required(at)
            continue
        found = _schema_at(schema, field)
        if found is None:
            yield invalid(at, field, f"is an invalid path: {_why(schema, field)}")
            continue
        if field.startswith(".metadata"):
            yield invalid(at, field, "must not point to fields in metadata")
        if found.get("type") not in _SCALARS:
            allowed = "string, boolean or integer. Enum string fields and strings with formats are allowed."
            yield invalid(at, field, f"must point to a field of type {allowed}")
        if field in fields[:index]:
            yield duplicate(at, field)
    if len(set(fields)) > MOST:
        yield too_many(path, len(set(fields)), MOST)


def _schema_at(schema: JSON, path: str) -> JSON | None:
    """The schema of what a path of properties leads to."""
    if not _PATH.fullmatch(path):
        return None
    found: JSON | None = schema
    for name in path[1:].split("."):
        found = ((found or {}).get("properties") or {}).get(name)
    return found


def _why(schema: JSON, path: str) -> str:
    if not _PATH.fullmatch(path):
        return f"expected [ or . but got: {path[:1]}" if not path.startswith(".") else "unexpected characters"
    return "does not refer to a valid field"


def selectable(path: str) -> Callable[[JSON], str]:
    """Reads a field as selectors compare it."""
    inner = path.removeprefix(".")
    return lambda tree: _text(dig(tree, inner))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
