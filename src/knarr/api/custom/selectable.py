"""Fields of custom resources that selectors may name: KEP-4358."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from knarr.api.custom.fieldpaths import FieldPathError, field_at
from knarr.api.custom.places import placed
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many

MOST = 8
_SCALARS = ("boolean", "integer", "string")


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
        try:
            found = field_at(field, schema, keys=False).schema
        except FieldPathError as error:
            yield invalid(at, field, f"is an invalid path: {error}")
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


def selectable(path: str) -> Callable[[JSON], str]:
    """Reads a field as selectors compare it."""
    inner = path.removeprefix(".")
    return lambda tree: _text(dig(tree, inner))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
