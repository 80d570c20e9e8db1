"""The schema of a custom resource as OpenAPI publishes it, for explain, client-side validation and client generators.

Version 2 cannot say all that version 3 can: what kubectl would misread there is left out, as upstream does.
"""

from __future__ import annotations

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
_DROPPED = ("default", "oneOf", "anyOf", "not", "nullable", "x-kubernetes-validations")  # in version 2


def published(schema: JSON, name: str, identity: JSON, list_kind: str, *, older: bool) -> dict[str, JSON]:
    """The definitions of a kind and of its list; `identity` has group, version and kind."""
    known = "x-kubernetes-group-version-kind"
    return {
        name: {**_resource(schema, older), known: [identity]},
        f"{name}List": {**_list(name, identity), known: [{**identity, "kind": list_kind}]},
    }


def _resource(schema: JSON, older: bool) -> JSON:
    if older and schema.get("x-kubernetes-preserve-unknown-fields"):
        schema = {"type": "object"}  # kubectl would refuse every field that it does not know
    found: JSON = _older(schema) if older else {key: value for key, value in schema.items() if key != "nullable"}
    metadata = {"description": f"Standard object's metadata. More info: {_CONVENTIONS}#metadata", **_reference(META)}
    fields = {"apiVersion": _API_VERSION, "kind": _KIND, "metadata": metadata}
    return {**found, "type": "object", "properties": {**found.get("properties", {}), **fields}}


def _list(name: str, identity: JSON) -> JSON:
    items = {
        "type": "array",
        "items": {"$ref": REFERENCE + name},
        "description": f"List of {identity['kind'].lower()}s. More info: {_CONVENTIONS}",
    }
    metadata = {
        "description": f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds",
        **_reference(_LIST_META),
    }
    return {
        "type": "object",
        "description": f"{identity['kind']}List is a list of {identity['kind']}",
        "required": ["items"],
        "properties": {"apiVersion": _API_VERSION, "items": items, "kind": _KIND, "metadata": metadata},
    }


def _reference(definition: str) -> JSON:
    return {"allOf": [{"$ref": REFERENCE + definition}]}


def _older(schema: Any) -> Any:
    """A schema in version 2: without what would need several types, and nothing of what may also be null."""
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _DROPPED}
    if schema.get("nullable"):
        kept = {key: value for key, value in kept.items() if key not in _SHAPE[:3]}
    if schema.get("x-kubernetes-int-or-string"):
        kept.pop("type", None)
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        kept = {key: value for key, value in kept.items() if key not in _SHAPE}
    if "properties" in kept:
        kept["properties"] = {name: _older(field) for name, field in kept["properties"].items()}
    for name in ("items", "additionalProperties"):
        if name in kept:
            kept[name] = _older(kept[name])
    if "allOf" in kept:
        kept["allOf"] = [_older(part) for part in kept["allOf"]]
    return kept
