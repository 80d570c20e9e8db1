"""The schema of a custom resource as OpenAPI publishes it, for explain, client-side validation and client generators.

Version 2 cannot say all that version 3 can: what kubectl would misread there is left out, as upstream does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.api.custom.decoding import META
from knarr.api.kind import JSON
from knarr.api.schema import REFERENCE

_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_API_VERSION = {
    "type": "string",
    "description": (
        "APIVersion defines the versioned schema of this representation of an object. Servers should convert "
        "recognized schemas to the latest internal value, and may reject unrecognized values. More info: "
        f"{_CONVENTIONS}#resources"
    ),
}
_KIND = {
    "type": "string",
    "description": (
        "Kind is a string value representing the REST resource this object represents. Servers may infer this from "
        "the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
        f"{_CONVENTIONS}#types-kinds"
    ),
}
_SHAPE = ("type", "items", "properties", "additionalProperties")
# What version 2 does not have, or what kubectl does not understand there.
_DROPPED = ("default", "allOf", "oneOf", "anyOf", "not", "nullable", "x-kubernetes-validations")
_EMBEDDED, _PRESERVING = "x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields"


def published(schema: JSON, name: str, identity: JSON, list_kind: str, plural: str, *, older: bool) -> dict[str, JSON]:
    """The definitions of a kind and of its list; `identity` has group, version and kind."""
    known = "x-kubernetes-group-version-kind"
    return {
        name: {**_root(schema, older), known: [identity]},
        f"{name}List": {**_list(name, identity["kind"], list_kind, plural), known: [{**identity, "kind": list_kind}]},
    }


def _root(schema: JSON, older: bool) -> JSON:
    if older and schema.get(_PRESERVING):
        return {"type": "object"}  # to kubectl whatever else were here would be all that there may be
    return _resource(_older(schema) if older else _newer(schema))


def _resource(schema: JSON) -> JSON:
    """With the fields that every resource has."""
    metadata = {"description": f"Standard object's metadata. More info: {_CONVENTIONS}#metadata", **_reference(META)}
    fields = {"apiVersion": _API_VERSION, "kind": _KIND, "metadata": metadata}
    return {**schema, "type": "object", "properties": {**schema.get("properties", {}), **fields}}


def _list(name: str, kind: str, list_kind: str, plural: str) -> JSON:
    items = {
        "type": "array",
        "items": {"$ref": REFERENCE + name},
        "description": f"List of {plural}. More info: {_CONVENTIONS}",
    }
    metadata = {
        "description": f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds",
        **_reference(_LIST_META),
    }
    return {
        "type": "object",
        "description": f"{list_kind} is a list of {kind}",
        "required": ["items"],
        "properties": {"apiVersion": _API_VERSION, "items": items, "kind": _KIND, "metadata": metadata},
    }


def _reference(definition: str) -> JSON:
    return {"allOf": [{"$ref": REFERENCE + definition}]}


def _newer(schema: Any) -> Any:
    """A schema in version 3: as it is, embedded resources with the fields that they have anyway."""
    if not isinstance(schema, dict):
        return schema
    kept = _mapped(schema, _newer)
    return _resource(kept) if schema.get(_EMBEDDED) else kept


def _older(schema: Any) -> Any:
    """A schema in version 2: without what would need several types, and nothing of what may also be null."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _DROPPED}
    if schema.get("nullable"):
        kept = {key: value for key, value in kept.items() if key not in _SHAPE}
    elif schema.get(_PRESERVING):  # to kubectl fields or items would be all that there may be, and a list has items
        kept = {key: value for key, value in kept.items() if key not in _SHAPE or value == "object"}
    if schema.get("x-kubernetes-int-or-string"):
        kept.pop("type", None)
    kept = _mapped(kept, _older)
    if "required" in kept:  # null is to kubectl as good as absent
        fields = schema.get("properties") or {}
        kept["required"] = [name for name in kept["required"] if not fields.get(name, {}).get("nullable")]
    return _resource(kept) if schema.get(_EMBEDDED) and not schema.get(_PRESERVING) else kept


def _mapped(schema: JSON, change: Callable[[Any], Any]) -> JSON:
    """A schema with the schemas of its structure changed."""
    kept = dict(schema)
    if "properties" in kept:
        kept["properties"] = {name: change(field) for name, field in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in kept:
            kept[name] = change(kept[name])
    return kept
