"""Where a definition's parts are, as upstream's messages name them.

What all versions have in common is named once, at the top of the spec, as the internal form of the definition has it:
`spec.validation.openAPIV3Schema` for a lone version's schema, `spec.versions[1].schema.openAPIV3Schema` otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from knarr.api.kind import JSON


class Placed(NamedTuple):
    """A part of a definition, its path, and the versions that have it."""

    path: str
    value: Any
    versions: list[JSON]


def placed(spec: JSON, name: str, shared: str = "") -> Iterator[Placed]:
    """A field of the versions; `shared` is its name at the top of the spec, where that is another."""
    versions = spec.get("versions") or []
    values = [version.get(name) for version in versions]
    if not any(values):
        return
    if all(value == values[0] for value in values):
        yield Placed(f"spec.{shared or name}", values[0], versions)
        return
    for index, (version, value) in enumerate(zip(versions, values, strict=True)):
        if value:
            yield Placed(f"spec.versions[{index}].{name}", value, [version])


def schemas(spec: JSON) -> Iterator[Placed]:
    """The versions' schemas."""
    for part in placed(spec, "schema", "validation"):
        schema = part.value.get("openAPIV3Schema")
        if schema is not None:
            yield Placed(f"{part.path}.openAPIV3Schema", schema, part.versions)
