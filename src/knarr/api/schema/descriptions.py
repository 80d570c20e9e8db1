"""What the published schema says of a field, for who shows it."""

from __future__ import annotations

from functools import cache
from typing import Any

from knarr.api.kind import JSON
from knarr.api.schema.cache import definitions


@cache
def description_of(definition: str, path: str) -> str:
    """The description of the field at a dotted path, through lists and references; nothing where there is none."""
    schema: JSON = {"$ref": definition}
    for name in path.split("."):
        schema = _fields(schema).get(name, {})
    return str(schema.get("description", ""))


def _fields(schema: JSON) -> dict[str, Any]:
    if "items" in schema:
        return _fields(schema["items"])
    references = [part["$ref"] for part in (schema, *schema.get("allOf", ())) if "$ref" in part]
    if not references:
        return dict(schema.get("properties", {}))
    name = references[0].rpartition("/")[2]
    return dict(definitions()[name].get("properties", {})) if name in definitions() else {}
