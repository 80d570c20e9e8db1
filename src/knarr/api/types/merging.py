"""How a definition merges under a strategic merge patch: the shape seen as machinery.strategic asks for it."""

from __future__ import annotations

from functools import cache

from knarr.api.types.shapes import Field, ListOf, MapOf, Shape, Struct
from knarr.machinery.strategic import FREE, PatchField, PatchSchema


class _StructSchema:
    def __init__(self, shape: Struct) -> None:
        self._shape = shape
        self._fields: dict[str, PatchField] = {}

    def field(self, name: str) -> PatchField:
        if name not in self._fields:
            found = self._shape.fields.get(name)
            self._fields[name] = _patch_field(found) if found else PatchField(FREE)
        return self._fields[name]


class _MapSchema:
    """Every key has the same schema."""

    def __init__(self, values: Shape) -> None:
        self._field = PatchField(patch_schema(values))

    def field(self, name: str) -> PatchField:
        return self._field


def _patch_field(field: Field) -> PatchField:
    inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
    return PatchField(patch_schema(inner), "merge" in field.patch, field.merge_key, "replace" in field.patch)


@cache
def patch_schema(shape: Shape) -> PatchSchema:
    match shape:
        case Struct():
            return _StructSchema(shape)
        case MapOf(value):
            return _MapSchema(value)
        case _:
            return FREE
