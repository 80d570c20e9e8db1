"""What makes a schema structural: every field's type is said once, outside of what only validates.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from knarr.api.kind import JSON
from knarr.machinery import regexes
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required

_EMBEDDED, _PRESERVE = "x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_EITHER = [{"type": "integer"}, {"type": "string"}]
# What belongs to the structure and has no place where only values are validated, with what it would have to be.
_STRUCTURE = {
    "type": "empty",
    "additionalProperties": "undefined",
    "default": "undefined",
    "title": "empty",
    "description": "empty",
    "nullable": "false",
    _PRESERVE: "false",
    _EMBEDDED: "false",
    _INT_OR_STRING: "false",
    "x-kubernetes-list-map-keys": "empty",
    "x-kubernetes-list-type": "undefined",
    "x-kubernetes-map-type": "undefined",
    "x-kubernetes-validations": "empty",
}


class _Level(Enum):
    """Where a schema is; the value says what an untyped one there lacks."""

    ROOT = "at the root"
    ITEM = "for specified array items"
    FIELD = "for specified object fields"


def check(schema: JSON, path: str) -> list[FieldError]:
    """What keeps a whole schema from being structural."""
    found = [*_structure(schema, path, _Level.ROOT), *_complete(schema, schema, path, path)]
    return sorted(found, key=lambda error: (error.path, error.body))


def junctors(schema: JSON) -> Iterator[tuple[str, JSON]]:
    """The schemas that a schema combines, with their places: `not`, `allOf[0]`, ..."""
    if isinstance(schema.get("not"), dict):
        yield "not", schema["not"]
    for name in ("allOf", "oneOf", "anyOf"):
        for index, part in enumerate(schema.get(name) or ()):
            yield f"{name}[{index}]", part


def _structure(schema: JSON, path: str, level: _Level) -> Iterator[FieldError]:
    if isinstance(schema.get("items"), dict):
        yield from _structure(schema["items"], f"{path}.items", _Level.ITEM)
    elif schema.get("type") == "array" and not schema.get("items"):
        yield required(f"{path}.items", "must be specified")
    for name, field in (schema.get("properties") or {}).items():
        yield from _structure(field, f"{path}.properties[{name}]", _Level.FIELD)
    additional = schema.get("additionalProperties")
    if additional is not None and level is _Level.ROOT:
        yield forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, dict):
        yield from _structure(additional, f"{path}.additionalProperties", _Level.FIELD)
    yield from _extensions(schema, path)
    yield from _values(schema, path, frozenset(_exempt(schema)))
    yield from _type(schema, path, level)
    yield from _resource(schema, path, level)


def _extensions(schema: JSON, path: str) -> Iterator[FieldError]:
    for name in (_PRESERVE, _EMBEDDED):
        if schema.get(_INT_OR_STRING) and schema.get(name):
            yield invalid(f"{path}.{name}", schema[name], f"must be false if {_INT_OR_STRING} is true")


def _exempt(schema: JSON) -> Iterator[str]:
    """Where an integer or string may say so: types, in the one form that upstream lets pass."""
    if schema.get(_INT_OR_STRING):
        if schema.get("anyOf") == _EITHER:
            yield from ("anyOf[0]", "anyOf[1]")
        elif (schema.get("allOf") or [{}])[0].get("anyOf") == _EITHER:
            yield from ("allOf[0].anyOf[0]", "allOf[0].anyOf[1]")


def _values(schema: JSON, path: str, exempt: frozenset[str] = frozenset()) -> Iterator[FieldError]:
    for name, part in junctors(schema):
        if name not in exempt:
            inner = frozenset(place.removeprefix(f"{name}.") for place in exempt if place.startswith(f"{name}."))
            yield from _nested(part, f"{path}.{name}", inner)
    if schema.get("pattern"):
        try:
            regexes.compiled(schema["pattern"])
        except regexes.RegexError as error:
            why = f"must be a valid regular expression, but isn't: {error}"
            yield invalid(f"{path}.pattern", schema["pattern"], why)


def _nested(schema: JSON, path: str, exempt: frozenset[str] = frozenset()) -> Iterator[FieldError]:
    """A schema that only validates."""
    yield from _values(schema, path, exempt)
    if isinstance(schema.get("items"), dict):
        yield from _nested(schema["items"], f"{path}.items")
    for name, field in (schema.get("properties") or {}).items():
        yield from _nested(field, f"{path}.properties[{name}]")
    for name, wanted in _STRUCTURE.items():
        if schema.get(name) not in (None, "", False, []) or (name == "default" and name in schema):
            yield forbidden(f"{path}.{name}", f"must be {wanted} to be structural")
    if "metadata" in (schema.get("properties") or {}):
        yield forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _type(schema: JSON, path: str, level: _Level) -> Iterator[FieldError]:
    kind = schema.get("type")
    if schema.get(_EMBEDDED) and kind != "object":
        why = f"must be object if {_EMBEDDED} is true"
        yield invalid(f"{path}.type", kind, why) if kind else required(f"{path}.type", why)
    elif not kind and not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVE):
        yield required(f"{path}.type", f"must not be empty {level.value}")
    if schema.get(_EMBEDDED) and schema.get("additionalProperties") is not None:
        yield forbidden(f"{path}.additionalProperties", f"must not be used if {_EMBEDDED} is set")
    if level is _Level.ROOT and kind and kind != "object":
        yield invalid(f"{path}.type", kind, "must be object at the root")


def _resource(schema: JSON, path: str, level: _Level) -> Iterator[FieldError]:
    """What a resource, or one within another, may say of its kind, apiVersion and metadata."""
    properties, embedded = schema.get("properties") or {}, schema.get(_EMBEDDED)
    if level is _Level.ROOT or embedded:
        for name in ("kind", "apiVersion"):
            if name in properties and properties[name].get("type") != "string":
                yield invalid(f"{path}.properties[{name}].type", properties[name].get("type", ""), "must be string")
        if "metadata" in properties:
            yield from _metadata(properties["metadata"], f"{path}.properties[metadata]", level)
    if embedded and not schema.get(_PRESERVE) and not properties:
        why = f"must not be empty if {_EMBEDDED} is true without {_PRESERVE}"
        yield required(f"{path}.properties", why)


def _metadata(schema: JSON, path: str, level: _Level) -> Iterator[FieldError]:
    if schema.get("type") != "object":
        yield invalid(f"{path}.type", schema.get("type", ""), "must be object")
    others = {key for key, value in schema.items() if value and key not in ("type", "default", "properties")}
    if level is _Level.ROOT and (others or set(schema.get("properties") or ()) - {"name", "generateName"}):
        why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield forbidden(path, why)


def _complete(values: JSON, schema: JSON, path: str, where: str) -> Iterator[FieldError]:
    """Every field that is validated is also specified."""
    for name, part in junctors(values):
        yield from _specified(part, schema, path, f"{where}.{name}")


def _specified(values: JSON, schema: JSON | None, path: str, where: str) -> Iterator[FieldError]:
    if schema is None:
        yield required(path, f"because it is defined in {where}")
        return
    yield from _complete(values, schema, path, where)
    if isinstance(values.get("items"), dict):
        yield from _specified(values["items"], schema.get("items"), f"{path}.items", f"{where}.items")
    additional = schema.get("additionalProperties")
    for name, field in (values.get("properties") or {}).items():
        known, at = (schema.get("properties") or {}).get(name), f"{path}.properties[{name}]"
        if known is None and isinstance(additional, dict):
            known, at = additional, f"{path}.additionalProperties"
        yield from _specified(field, known, at, f"{where}.properties[{name}]")
