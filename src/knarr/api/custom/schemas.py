"""What the schemas of a CustomResourceDefinition must be, besides structural: keywords, list and map types, rules.

Field errors are about JSON Schema itself, path by path; structural.py says what makes a schema one that can be pruned
and defaulted by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from knarr.api.custom import structural
from knarr.api.custom.defaults import check_defaults
from knarr.api.custom.lists import check_list
from knarr.api.custom.places import Placed
from knarr.api.custom.places import schemas as schemas_of
from knarr.api.custom.ruletexts import check_rule_texts, has_rules
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required

TYPES = ("array", "boolean", "integer", "number", "object", "string")
META_FIELDS = frozenset({"metadata", "kind", "apiVersion"})
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
# As upstream lists them, by the names of its own fields.
_AT_ROOT = (
    *("Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum", "ExclusiveMinimum"),
    *("MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems", "MultipleOf", "Required", "Items"),
    *("Properties", "ExternalDocs", "Example", "XPreserveUnknownFields", "XValidations"),
)
_EXTENSIONS = {
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}


@dataclass(frozen=True, slots=True)
class _Context:
    """What holds for a part of a schema because of where it is."""

    no_default: str | None = None  # why there may be none
    in_meta: bool = False  # within the kind, apiVersion or metadata of a resource, embedded ones included


def check(spec: JSON) -> Iterator[FieldError]:
    """All that is wrong with the schemas."""
    for part in schemas_of(spec):
        errors = [*_root(spec, part)]
        errors += structural.check(part.value, part.path) or check_defaults(part.value, part.path)
        errors += [*_schema(part.value, part.path, _Context(), root=True)]
        yield from errors
        if not errors and has_rules(part.value):
            from knarr.api.custom.rulecosts import check_rules  # here, since the language is large

            yield from check_rules(part.value, part.path)


def _root(spec: JSON, part: Placed) -> Iterator[FieldError]:
    if any("status" in (version.get("subresources") or {}) for version in part.versions):
        yield from _root_with_status(part.value, part.path)
    if part.value.get("nullable"):
        yield forbidden(f"{part.path}.nullable", "nullable cannot be true at the root")


def _root_with_status(schema: JSON, path: str) -> Iterator[FieldError]:
    """Only what can be told apart from the status, which is validated by itself."""
    if schema.get("type") not in (None, "", "object"):
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        yield invalid(f"{path}.type", schema["type"], why)
        return
    names = (_EXTENSIONS.get(key, key[:1].upper() + key[1:]) for key, value in schema.items() if value or value == 0)
    if any(name not in _AT_ROOT for name in names if name != "Nullable"):
        listed = " ".join(_AT_ROOT)
        why = f"only [{listed}] fields are allowed at the root of the schema if the status subresource is enabled"
        yield invalid(path, schema, why)


def _schema(schema: JSON, path: str, context: _Context, *, root: bool = False) -> Iterator[FieldError]:
    yield from _keywords(schema, path, context)
    yield from _below(schema, path, context, root)
    yield from _extensions(schema, path)
    yield from check_list(schema, path)
    yield from check_rule_texts(schema, path)


def _keywords(schema: JSON, path: str, context: _Context) -> Iterator[FieldError]:
    kind = schema.get("type")
    if kind and kind not in TYPES:
        yield not_supported(f"{path}.type", kind, TYPES)
    if "default" in schema and context.no_default is not None:
        yield forbidden(f"{path}.default", f"must not be set {context.no_default}".rstrip())
    for name in _UNSUPPORTED:
        if schema.get(name):
            yield forbidden(f"{path}.{name}", f"{name} is not supported")
    if kind == "null":
        yield forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    if context.in_meta and schema.get("x-kubernetes-embedded-resource"):
        yield forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", why)


def _below(schema: JSON, path: str, context: _Context, root: bool) -> Iterator[FieldError]:
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    if properties and additional is not None and additional is not True:
        why = "additionalProperties and properties are mutual exclusive"
        yield forbidden(f"{path}.additionalProperties", why)
    if isinstance(additional, dict):
        why = "inside additionalProperties applying to object metadata"
        inner = replace(context, no_default=why) if context.in_meta else context
        yield from _schema(additional, f"{path}.additionalProperties", inner)
    for name, schema_of in properties.items():
        inner = context
        if name in META_FIELDS and (root or schema.get("x-kubernetes-embedded-resource")):
            inner = replace(context, in_meta=True, no_default=f"in top-level {name}" if root else context.no_default)
        yield from _schema(schema_of, f"{path}.properties[{name}]", inner)
    for name, part in structural.junctors(schema):
        yield from _schema(part, f"{path}.{name}", context)
    if isinstance(schema.get("items"), dict):
        yield from _schema(schema["items"], f"{path}.items", context)


def _extensions(schema: JSON, path: str) -> Iterator[FieldError]:
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is None:
        return
    yield from type_is(schema, path, "object", "x-kubernetes-map-type")
    if map_type not in ("atomic", "granular"):
        yield not_supported(f"{path}.x-kubernetes-map-type", map_type, ("atomic", "granular"))


def type_is(schema: JSON, path: str, wanted: str, because: str) -> Iterator[FieldError]:
    """The type that an extension asks for."""
    kind, why = schema.get("type"), f"must be {wanted} if {because} is specified"
    if not kind:
        yield required(f"{path}.type", why)
    elif kind != wanted:
        yield invalid(f"{path}.type", kind, why)
