"""How the fields of a custom resource are owned: its schema as machinery.apply asks for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from knarr.api.custom.decoding import META
from knarr.api.kind import JSON
from knarr.api.types import type_of
from knarr.machinery.apply.lists import Associative, Items
from knarr.machinery.apply.shapes import Atomic, Form, Scalar, Shape
from knarr.machinery.apply.structs import DEDUCED, Struct

_FORMS: dict[str, Form] = {"string": "string", "integer": "numeric", "number": "numeric", "boolean": "boolean"}


def ownership(schema: JSON, *, resource: bool = False) -> Shape:
    """The shape of a schema; a `resource` has an ObjectMeta."""
    kind = schema.get("type") or ""
    if schema.get("x-kubernetes-int-or-string"):
        return Scalar("scalar")
    if kind in _FORMS:
        return Scalar(_FORMS[kind])
    if kind == "array":
        return _list(schema)
    resource = resource or bool(schema.get("x-kubernetes-embedded-resource"))
    return _object(schema, resource) if kind == "object" or schema.get("properties") else DEDUCED


def _object(schema: JSON, resource: bool) -> Shape:
    additional = schema.get("additionalProperties")
    others: Shape | None = None
    if isinstance(additional, dict):
        others = ownership(additional)
    elif additional or schema.get("x-kubernetes-preserve-unknown-fields"):
        others = DEDUCED
    made = Struct(partial(_fields, schema.get("properties") or {}, resource), others)
    return Atomic(made) if schema.get("x-kubernetes-map-type") == "atomic" else made


def _fields(properties: JSON, resource: bool) -> dict[str, Shape]:
    fields = {name: ownership(field) for name, field in properties.items()}
    if resource:
        fields |= {"apiVersion": Scalar("string"), "kind": Scalar("string"), "metadata": type_of(META).ownership}
    return fields


def _list(schema: JSON) -> Shape:
    items: Any = schema.get("items") if isinstance(schema.get("items"), dict) else {}
    kind, item = schema.get("x-kubernetes-list-type"), ownership(items)
    if kind == "set":
        return Associative(item)
    if kind != "map":
        return Atomic(Items(item))
    keys, fields = schema["x-kubernetes-list-map-keys"], items.get("properties") or {}
    return Associative(item, keys, {key: fields[key]["default"] for key in keys if "default" in fields.get(key, {})})
