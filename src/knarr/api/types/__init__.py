"""Functions compiled from a definition: decode, default, validate, compare, merge. Each is made when first called.

An object in the API server is a JSON tree; a `Type` knows the tree's definition. Rules (api/rules/) are compiled in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, cached_property

from knarr.api.kind import JSON, ObjectType, Version
from knarr.api.types.decoding import decoder
from knarr.api.types.defaulting import Defaulter, defaulter
from knarr.api.types.duplicates import duplicate_fields
from knarr.api.types.merging import patch_schema
from knarr.api.types.mismatches import DecodeError
from knarr.api.types.ownership import ownership
from knarr.api.types.scalars import Decoder
from knarr.api.types.shapes import Shape, Struct, shape_of
from knarr.api.types.updating import Comparer, comparer
from knarr.api.types.validating import Validator, change_validator, validator
from knarr.machinery.apply.shapes import Shape as Owned
from knarr.machinery.fielderrors import FieldError
from knarr.machinery.strategic import PatchSchema

__all__ = ["DecodeError", "Type", "duplicate_fields", "type_of", "typed"]


class Type:
    """A definition at work. Trees are changed in place; a tree goes through decode before anything else."""

    def __init__(self, definition: str, shape: Shape) -> None:
        self.definition = definition
        self._shape = shape

    def decode(self, tree: JSON) -> list[str]:
        """Check JSON types, drop nulls, make quantities and times canonical; the places of removed unknown fields.

        A kind's spec is there even if the author left it out: to Go's decoder it is part of the object, not a pointer.

        Raises DecodeError with the message of Go's decoder.
        """
        unknown: list[str] = []
        self._decode(tree, None, unknown)
        if self._has_spec:
            tree.setdefault("spec", {})
        return unknown

    def default(self, tree: JSON) -> None:
        """Add what the author left out."""
        self._default(tree)

    def renew(self, tree: JSON, touched: Collection[str]) -> list[str]:
        """Decode and default a tree of which all but the `touched` fields is as decode and default have left it."""
        changed = {name: tree.pop(name) for name in touched if name in tree}
        unknown: list[str] = []
        self._decode(changed, None, unknown)
        tree.update(changed)
        if self._has_spec:
            tree.setdefault("spec", {})
        self._default(tree, touched)
        return unknown

    def validate(self, tree: JSON) -> list[FieldError]:
        """All that is wrong with the object, in the order of its fields."""
        errors: list[FieldError] = []
        self._validate(tree, "", errors)
        return errors

    def validate_changes(self, new: JSON, old: JSON) -> list[FieldError]:
        """What is wrong with the parts of a valid object that a change touches: a status leaves a spec as it was."""
        errors: list[FieldError] = []
        self._validate_changes(new, old, errors)
        return errors

    def validate_update(self, new: JSON, old: JSON) -> list[FieldError]:
        """What the change from `old` may not do; the new object's own faults are validate's."""
        errors: list[FieldError] = []
        self._compare(new, old, "", errors)
        return errors

    def blank_status(self) -> JSON:
        """The status of an object that has none yet."""
        return dict(self._blank)

    @cached_property
    def patch_schema(self) -> PatchSchema:
        """For machinery.strategic.strategic_merge."""
        return patch_schema(self._shape)

    @cached_property
    def ownership(self) -> Owned:
        """For machinery.apply."""
        return ownership(self._shape)

    @cached_property
    def _blank(self) -> JSON:
        shape = self._shape.fields["status"].shape if isinstance(self._shape, Struct) else None
        return dict(shape.zeros) if isinstance(shape, Struct) else {}

    @cached_property
    def _has_spec(self) -> bool:
        shape = self._shape
        return (
            isinstance(shape, Struct)
            and shape.is_kind
            and "spec" in shape.fields
            and isinstance(shape.fields["spec"].shape, Struct)
        )

    @cached_property
    def _decode(self) -> Decoder:
        return decoder(self._shape)

    @cached_property
    def _default(self) -> Defaulter:
        return defaulter(self._shape)

    @cached_property
    def _validate(self) -> Validator:
        return validator(self._shape)

    @cached_property
    def _validate_changes(self) -> Callable[[JSON, JSON, list[FieldError]], None]:
        return change_validator(self._shape)

    @cached_property
    def _compare(self) -> Comparer:
        return comparer(self._shape)


@cache
def type_of(definition: str) -> Type:
    """The type of a published definition (`io.k8s.api.apps.v1.Deployment`). Raises KeyError."""
    return Type(definition, shape_of(definition))


def typed(version: Version) -> ObjectType:
    """The type of a version's objects."""
    return version.own or type_of(version.definition)
