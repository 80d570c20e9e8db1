from __future__ import annotations

from typing import Any

import pytest

from knarr.api.custom.schemas import check
from tests.unit.api.custom.schemas import TEXT, definition, root

JSON = dict[str, Any]
PATH = "spec.validation.openAPIV3Schema"

GOOD: dict[str, JSON] = {
    "int or string": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "more than that": {
        "x-kubernetes-int-or-string": True,
        "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"minimum": 1}],
    },
    "anything": {"x-kubernetes-preserve-unknown-fields": True},
    "map": {"type": "object", "additionalProperties": TEXT},
    "junctors": {
        "type": "object",
        "properties": {"x": TEXT},
        "oneOf": [{"required": ["x"]}, {"properties": {"x": {}}}],
    },
    "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
    "default": {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 1}}},
}


@pytest.mark.parametrize("schema", GOOD.values(), ids=GOOD)
def test_good_ones(schema: JSON) -> None:
    assert list(check(definition(root(a=schema))["spec"])) == []


BAD: dict[str, tuple[JSON, list[str]]] = {
    "no type": ({}, [".type: Required value: must not be empty for specified object fields"]),
    "item without type": (
        {"type": "array", "items": {}},
        [".items.type: Required value: must not be empty for specified array items"],
    ),
    "unknown type": (
        {"type": "text"},
        [
            '.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", '
            '"string"'
        ],
    ),
    "reference": ({**TEXT, "$ref": "x"}, [".$ref: Forbidden: $ref is not supported"]),
    "unique items": (
        {"type": "array", "items": TEXT, "uniqueItems": True},
        [".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"],
    ),
    "map and struct": (
        {"type": "object", "properties": {"x": TEXT}, "additionalProperties": TEXT},
        [".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    ),
    "typed junctor": (
        {**TEXT, "anyOf": [{"type": "string"}]},
        [".anyOf[0].type: Forbidden: must be empty to be structural"],
    ),
    "unspecified": (
        {"type": "object", "properties": {"x": TEXT}, "default": 1},
        [
            '.default: Invalid value: "integer": spec.validation.openAPIV3Schema.properties[a].default in body must be '
            'of type object: "integer"'
        ],
    ),
    "unknown default": (
        {"type": "object", "properties": {"x": TEXT}, "default": {"y": 1}},
        ['.default: Invalid value: {"y":1}: must not have unknown fields'],
    ),
    "pattern": (
        {**TEXT, "pattern": "("},
        [
            '.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: '
            "missing closing ): `(`"
        ],
    ),
    "preserving not": (
        {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
        [".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
    ),
    "map list without keys": (
        {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
        [".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    ),
    "optional key": (
        {
            "type": "array",
            "items": {"type": "object", "properties": {"k": TEXT}},
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
        },
        [
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must "
            "have a default or be a required property"
        ],
    ),
    "set of structs": (
        {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"},
        [
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with "
            "x-kubernetes-list-type=set"
        ],
    ),
    "list of what": ({"type": "array"}, [".items: Required value: must be specified"]),
    "a rule about nothing": (
        {"type": "object", "x-kubernetes-validations": [{"rule": "true", "fieldPath": ".x"}]},
        [
            '.x-kubernetes-validations[0].fieldPath: Invalid value: ".x": fieldPath must be a valid path: does not '
            "refer to a valid field"
        ],
    ),
    "embedded without anything": (
        {"type": "object", "x-kubernetes-embedded-resource": True},
        [
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        ],
    ),
}


@pytest.mark.parametrize(("schema", "errors"), BAD.values(), ids=BAD)
def test_bad_ones(schema: JSON, errors: list[str]) -> None:
    found = [str(error) for error in check(definition(root(a=schema))["spec"])]
    assert found == [f"{PATH}.properties[a]{error}" for error in errors]


def test_the_root() -> None:
    schema = {"type": "array", "nullable": True, "items": TEXT}
    assert [str(error) for error in check(definition(schema)["spec"])] == [
        f"{PATH}.nullable: Forbidden: nullable cannot be true at the root",
        f'{PATH}.type: Invalid value: "array": must be object at the root',
    ]


def test_metadata_is_nobody_elses() -> None:
    schema = root(metadata={"type": "object", "properties": {"labels": {"type": "object"}}})
    assert [str(error) for error in check(definition(schema)["spec"])] == [
        f"{PATH}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but "
        "metadata is implicitly specified"
    ]


def test_with_a_status_of_its_own() -> None:
    crd = definition({**root(a=TEXT), "oneOf": [{"required": ["a"]}]}, subresources={"status": {}})
    assert "fields are allowed at the root of the schema if the status subresource is enabled" in str(
        next(iter(check(crd["spec"])))
    )


def test_what_is_validated_must_be_specified() -> None:
    schema = {**root(a=TEXT), "anyOf": [{"properties": {"b": {"minLength": 1}}}]}
    assert [str(error) for error in check(definition(schema)["spec"])] == [
        f"{PATH}.properties[b]: Required value: because it is defined in {PATH}.anyOf[0].properties[b]"
    ]
