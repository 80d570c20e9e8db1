"""The type of a custom resource's version: what a published definition is to other kinds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from knarr.api.custom.combining import NOTHING, Validator
from knarr.api.custom.decoding import Pruner, decode_metadata, pruner
from knarr.api.custom.defaulting import Defaulter, defaulter
from knarr.api.custom.embedded import metadata_validator
from knarr.api.custom.ownership import ownership
from knarr.api.custom.published import published
from knarr.api.custom.ruletexts import has_rules
from knarr.api.custom.values import validator
from knarr.api.kind import JSON, Scale
from knarr.api.paths import dig
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.fielderrors import FieldError, invalid

_MOST_REPLICAS = 2**31 - 1
_BLOCKING = frozenset(f"FieldValue{what}" for what in ("NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"))
_UNASKED = invalid(
    "<nil>",
    None,
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation",
)


class CustomType:
    """An `OwnType`: a schema at work. Each function is compiled when it is first called."""

    def __init__(self, group: str, version: str, names: JSON, schema: JSON, scale: Scale | None) -> None:
        kind = names["kind"]
        self.definition = ".".join([*reversed(group.split(".")), version, kind])
        self._identity = {"group": group, "version": version, "kind": kind}
        self._names, self._schema, self._scale = names, schema, scale

    def decode(self, tree: JSON) -> list[str]:
        """Raises DecodeError."""
        of_metadata: list[str] = []
        unknown: list[str] = []
        decode_metadata(tree, None, of_metadata)
        self._prune(tree, None, unknown)
        return [*of_metadata, *sorted(unknown)]

    def default(self, tree: JSON) -> None:
        if self._default:
            self._default(tree)

    def validate(self, tree: JSON) -> list[FieldError]:
        errors: list[FieldError] = []
        metadata_validator()(tree["metadata"], "metadata", errors)
        return errors + self._judge(tree, NOTHING)

    def validate_changes(self, new: JSON, old: JSON) -> list[FieldError]:
        """Of what was as it is, nothing is said."""
        errors: list[FieldError] = []
        if new["metadata"] != old["metadata"]:
            metadata_validator()(new["metadata"], "metadata", errors)
        return errors + self._judge(new, old)

    def _judge(self, new: JSON, old: Any) -> list[FieldError]:
        """What schema and scale say."""
        errors: list[FieldError] = []
        self._validate(new, old, "", errors)
        errors += self._replicas(new)
        return errors

    @cached_property
    def has_rules(self) -> bool:
        return has_rules(self._schema)

    def ask(self, new: JSON, old: JSON | None, errors: Sequence[FieldError], here: int | None) -> list[FieldError]:
        """Rules are asked about values that are what they are declared to be."""
        if any(error.reason in _BLOCKING for error in errors):
            return [_UNASKED]
        return self._ask(new, NOTHING if old is None else old, here)

    @cached_property
    def _ask(self) -> Callable[[JSON, Any, int | None], list[FieldError]]:
        from knarr.api.custom.rules import asking  # here, since the language is large and most schemas have no rules

        return asking(self._schema)

    def validate_update(self, new: JSON, old: JSON) -> list[FieldError]:
        return []

    @cached_property
    def ownership(self) -> Shape:
        return ownership(self._schema, resource=True)

    @cached_property
    def digest(self) -> str:
        text = msgspec.json.encode([self._identity, self._names, self._schema])
        return hashlib.sha256(text).hexdigest()

    def schemas(self, older: bool) -> Mapping[str, JSON]:
        list_kind, plural = self._names["listKind"], self._names["plural"]
        return published(self._schema, self.definition, self._identity, list_kind, plural, older=older)

    def refresh(self, tree: JSON) -> None:
        """Make of an object as it was stored, by an older schema perhaps, what this one has; metadata was good."""
        self._prune(tree, None, [])
        self.default(tree)

    def _replicas(self, tree: JSON) -> Iterator[FieldError]:
        """Numbers that the scale subresource will be asked for."""
        if self._scale is None:
            return
        for path in (self._scale.spec_replicas, self._scale.status_replicas):
            number = dig(tree, path)
            if type(number) is int and number < 0:
                yield invalid(path, number, "should be a non-negative integer")
            elif type(number) is int and number > _MOST_REPLICAS:
                yield invalid(path, number, f"should be less than or equal to {_MOST_REPLICAS}")

    @cached_property
    def _prune(self) -> Pruner:
        return pruner(self._schema)

    @cached_property
    def _default(self) -> Defaulter | None:
        return defaulter(self._schema)

    @cached_property
    def _validate(self) -> Validator:
        return validator(self._schema)
