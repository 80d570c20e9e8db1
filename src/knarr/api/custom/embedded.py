"""Resources within resources: x-kubernetes-embedded-resource."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from knarr.api.custom.decoding import META
from knarr.api.kind import JSON
from knarr.api.types.shapes import shape_of
from knarr.api.types.validating import Validator, validator
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import dns1035_label, path_segment


@cache
def metadata_validator() -> Validator:
    """The rules of ObjectMeta."""
    return validator(shape_of(META))


def check_embedded(value: JSON, path: str) -> Iterator[FieldError]:
    """What is wrong with a resource's own fields, beyond its schema."""
    prefix = f"{path}." if path else ""
    yield from _text(value, "apiVersion", prefix)
    yield from _text(value, "kind", prefix)
    kind = value.get("kind")
    if isinstance(kind, str) and kind and (messages := dns1035_label(kind.lower())):
        why = f"may have mixed case, but should otherwise match: {','.join(messages)}"
        yield invalid(f"{prefix}kind", kind, why)
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        errors: list[FieldError] = []
        metadata_validator()(metadata, f"{prefix}metadata", errors)
        yield from errors
        name: Any = metadata.get("name")
        yield from (invalid(f"{prefix}metadata.name", name, message) for message in path_segment(name or ""))


def _text(value: JSON, name: str, prefix: str) -> Iterator[FieldError]:
    if name not in value:
        yield required(prefix + name, "must not be empty")
    elif not isinstance(value[name], str):
        yield invalid(prefix + name, value[name], "must be a string")
    elif not value[name]:
        yield invalid(prefix + name, "", "must not be empty")
