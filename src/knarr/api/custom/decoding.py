"""Custom resources as they are sent, made into what is kept: unknown fields pruned, nulls where none may be dropped.

A pruner is a closure over its schema, as the decoders of published types are. Root and embedded resources have an
ObjectMeta, which is decoded like everybody's.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from knarr.api.custom.lazily import Lazily
from knarr.api.kind import JSON
from knarr.api.types.decoding import decoder
from knarr.api.types.mismatches import Place, write_place
from knarr.api.types.scalars import Decoder
from knarr.api.types.shapes import shape_of

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_COMPOSITES = (dict, list)
_RESOURCE_FIELDS = frozenset({"apiVersion", "kind", "metadata"})

Pruner = Callable[[Any, Place, list[str]], None]  # (value, its place, where to put the unknown fields' places)


class _Field(NamedTuple):
    """How a field's value is pruned (None: not at all), and whether it may be null."""

    prune: Pruner | None
    nullable: bool


def pruner(schema: JSON) -> Pruner:
    """Prunes a whole object but for its metadata."""
    return _pruner(schema, resource=True)


@cache
def metadata_decoder() -> Decoder:
    """The decoder of ObjectMeta."""
    return decoder(shape_of(META))


def decode_metadata(holder: JSON, place: Place, unknown: list[str]) -> None:
    """Check the metadata of a resource. Raises DecodeError."""
    metadata = holder.get("metadata")
    if metadata is None:
        holder.pop("metadata", None)
    else:
        holder["metadata"] = metadata_decoder()(metadata, (place, "metadata"), unknown)


def _pruner(schema: JSON, *, resource: bool = False) -> Pruner:
    prune_object = _object(schema, resource or bool(schema.get("x-kubernetes-embedded-resource")), root=resource)
    prune_item = _item(schema)

    def prune(value: Any, place: Place, unknown: list[str]) -> None:
        if type(value) is dict:
            prune_object(value, place, unknown)
        elif type(value) is list and prune_item:
            for index, element in enumerate(value):
                if type(element) in _COMPOSITES:
                    prune_item(element, (place, index), unknown)

    return prune


def _item(schema: JSON) -> Pruner | None:
    """Of a list; None where anything may be in it."""
    if isinstance(schema.get("items"), dict):
        return _pruner(schema["items"])
    return None if schema.get("x-kubernetes-preserve-unknown-fields") else _empty


def _object(schema: JSON, resource: bool, *, root: bool) -> Pruner:
    apart = _RESOURCE_FIELDS if resource else frozenset()
    fields = Lazily(schema.get("properties"), lambda field: _Field(_pruner(field), bool(field.get("nullable"))))
    rest = _rest(schema)

    def prune(value: JSON, place: Place, unknown: list[str]) -> None:
        dropped = []
        for name, element in value.items():
            if name in apart:
                continue
            known = fields[name] or rest
            if known is None:
                unknown.append(write_place((place, name)))
                dropped.append(name)
            elif element is None:
                if not known.nullable:
                    dropped.append(name)
            elif known.prune and type(element) in _COMPOSITES:
                known.prune(element, (place, name), unknown)
        for name in dropped:
            del value[name]
        if resource and not root:
            decode_metadata(value, place, unknown)

    return prune


def _rest(schema: JSON) -> _Field | None:
    """What an object may have besides its named fields; None where that is nothing."""
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return _Field(_pruner(additional), bool(additional.get("nullable")) or "default" in additional)
    if additional:
        return _Field(_empty, nullable=True)
    return _Field(None, nullable=True) if schema.get("x-kubernetes-preserve-unknown-fields") else None


def _empty(value: Any, place: Place, unknown: list[str]) -> None:
    """Prunes by no schema at all: nothing within is known."""
    if type(value) is dict:
        unknown.extend(write_place((place, name)) for name in value)
        value.clear()
    elif type(value) is list:
        for index, element in enumerate(value):
            _empty(element, (place, index), unknown)
