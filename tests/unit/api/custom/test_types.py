from __future__ import annotations

from typing import Any

import pytest

from knarr.api.custom.types import CustomType
from tests.unit.api.custom.schemas import TEXT, root

JSON = dict[str, Any]


NAMES = {"kind": "Foo", "listKind": "FooList", "plural": "foos"}


def of(**properties: JSON) -> CustomType:
    return CustomType("a.b", "v1", NAMES, root(**properties), None)


def read(schema: JSON, value: Any) -> tuple[Any, list[str]]:
    """A field's value as it is kept, and what was unknown."""
    kind, tree = of(f=schema), {"metadata": {"name": "x"}, "f": value}
    unknown = kind.decode(tree)
    kind.default(tree)
    return tree.get("f", "absent"), unknown


STRUCT = {"type": "object", "properties": {"x": TEXT}}
PRESERVING = {"x-kubernetes-preserve-unknown-fields": True}

KEPT: dict[str, tuple[JSON, Any, Any, list[str]]] = {
    "unknown": (STRUCT, {"x": "a", "y": 1}, {"x": "a"}, ["f.y"]),
    "preserved": ({**STRUCT, **PRESERVING}, {"x": "a", "y": {"z": 1}}, {"x": "a", "y": {"z": 1}}, []),
    "known below preserved": (
        {"type": "object", "properties": {"s": STRUCT}, **PRESERVING},
        {"s": {"x": "a", "y": 1}},
        {"s": {"x": "a"}},
        ["f.s.y"],
    ),
    "any map": (
        {"type": "object", "additionalProperties": True},
        {"a": {"b": 1}, "c": 1},
        {"a": {}, "c": 1},
        ["f.a.b"],
    ),
    "in a list": ({"type": "array", "items": STRUCT}, [{"y": 1}], [{}], ["f[0].y"]),
    "embedded": (
        {"type": "object", "x-kubernetes-embedded-resource": True, **PRESERVING},
        {"kind": "A", "metadata": {"name": "a", "odd": 1}},
        {"kind": "A", "metadata": {"name": "a"}},
        ["f.metadata.odd"],
    ),
    "null": (STRUCT, {"x": None}, {}, []),
    "nullable": ({"type": "object", "properties": {"x": {**TEXT, "nullable": True}}}, {"x": None}, {"x": None}, []),
    "null with a default": (
        {"type": "object", "properties": {"x": {**TEXT, "default": "d"}}},
        {"x": None},
        {"x": "d"},
        [],
    ),
    "nullable with a default": (
        {"type": "object", "properties": {"x": {**TEXT, "default": "d", "nullable": True}}},
        {"x": None},
        {"x": None},
        [],
    ),
    "default of a default": (
        {
            "type": "object",
            "properties": {"s": {"type": "object", "default": {}, "properties": {"x": {**TEXT, "default": "d"}}}},
        },
        {},
        {"s": {"x": "d"}},
        [],
    ),
    "a map's values": (
        {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {**TEXT, "default": "d"}}}},
        {"k": {}},
        {"k": {"x": "d"}},
        [],
    ),
}


@pytest.mark.parametrize(("schema", "value", "kept", "unknown"), KEPT.values(), ids=KEPT)
def test_what_is_kept(schema: JSON, value: Any, kept: Any, unknown: list[str]) -> None:
    assert read(schema, value) == (kept, unknown)


def errors(schema: JSON, value: Any, old: Any = None) -> list[str]:
    kind, meta = of(f=schema), {"metadata": {"name": "x"}}
    new = {**meta, "f": value}
    found = kind.validate(new) if old is None else kind.validate_changes(new, {**meta, "f": old})
    return [str(error) for error in found]


WRONG: dict[str, tuple[JSON, Any, list[str]]] = {
    "length": ({**TEXT, "maxLength": 2}, "abc", ["f: Too long: may not be more than 2 bytes"]),
    "short": ({**TEXT, "minLength": 2}, "a", ['f: Invalid value: "a": f in body should be at least 2 chars long']),
    "pattern": ({**TEXT, "pattern": "^a+$"}, "b", ["f: Invalid value: \"b\": f in body should match '^a+$'"]),
    "format": ({**TEXT, "format": "ipv4"}, "x", ['f: Invalid value: "x": f in body must be of type ipv4: "x"']),
    "unknown format": ({**TEXT, "format": "poem"}, "x", []),
    "exclusive": (
        {"type": "integer", "maximum": 5, "exclusiveMaximum": True},
        5,
        ["f: Invalid value: 5: f in body should be less than 5"],
    ),
    "fraction": (
        {"type": "number", "minimum": 0.5},
        0.25,
        ["f: Invalid value: 0.25: f in body should be greater than or equal to 0.5"],
    ),
    "multiple": ({"type": "integer", "multipleOf": 3}, 4, ["f: Invalid value: 4: f in body should be a multiple of 3"]),
    "whole number": ({"type": "integer"}, 1.0, []),
    "no whole number": (
        {"type": "integer"},
        1.5,
        ['f: Invalid value: "number": f in body must be of type integer: "number"'],
    ),
    "few items": (
        {"type": "array", "items": TEXT, "minItems": 2},
        ["a"],
        ["f: Invalid value: 1: f in body should have at least 2 items"],
    ),
    "many items": (
        {"type": "array", "items": TEXT, "maxItems": 1},
        ["a", "b"],
        ["f: Too many: 2: must have at most 1 items"],
    ),
    "null item": (
        {"type": "array", "items": TEXT},
        [None],
        ['f[0]: Invalid value: "null": f[0] in body must be of type string: "null"'],
    ),
    "properties": (
        {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
        {},
        ["f: Invalid value: 0: f in body should have at least 1 properties"],
    ),
    "enum of anything": (
        {"type": "integer", "enum": [1, 2]},
        3,
        ['f: Unsupported value: 3: supported values: "1", "2"'],
    ),
    "one of": (
        {"type": "object", "properties": {"x": TEXT, "y": TEXT}, "oneOf": [{"required": ["x"]}, {"required": ["y"]}]},
        {"x": "a", "y": "b"},
        ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ),
    "none of": (
        {"type": "object", "properties": {"x": TEXT}, "oneOf": [{"required": ["x"]}]},
        {},
        [
            '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid',
            "f.x: Required value",
        ],
    ),
    "any of": (
        {"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]},
        3,
        [
            '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
            "f: Invalid value: 3: f in body should be greater than or equal to 5",
        ],
    ),
    "all of": (
        {"type": "integer", "allOf": [{"minimum": 5}, {"maximum": 9}]},
        3,
        [
            "f: Invalid value: 3: f in body should be greater than or equal to 5",
            '<nil>: Invalid value: "": "f" must validate all the schemas (allOf)',
        ],
    ),
    "not": (
        {"type": "integer", "not": {"minimum": 1}},
        3,
        ['<nil>: Invalid value: "": "f" must not validate the schema (not)'],
    ),
}


@pytest.mark.parametrize(("schema", "value", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(schema: JSON, value: Any, said: list[str]) -> None:
    assert errors(schema, value) == said


KEYED = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}
SMALL = {"type": "integer", "maximum": 5}
ITEM = {"type": "object", "properties": {"k": TEXT, "n": SMALL}}

RATCHETED: dict[str, tuple[JSON, Any, Any, int]] = {
    "the same": (SMALL, 9, 9, 0),
    "another": (SMALL, 8, 9, 1),
    "true is no number": ({"type": "boolean"}, 1, True, 1),
    "a field that stays": ({"type": "object", "properties": {"n": SMALL, "x": TEXT}}, {"n": 9, "x": "b"}, {"n": 9}, 0),
    "an item found by its key": (
        {"type": "array", "items": ITEM, **KEYED},
        [{"k": "b"}, {"k": "a", "n": 9}],
        [{"k": "a", "n": 9}],
        0,
    ),
    "an item of an atomic list": ({"type": "array", "items": SMALL}, [9, 1], [9], 1),
    "a map that is atomic": (
        {"type": "object", "additionalProperties": SMALL, "x-kubernetes-map-type": "atomic"},
        {"a": 9, "b": 1},
        {"a": 9},
        1,
    ),
}


@pytest.mark.parametrize(("schema", "new", "old", "count"), RATCHETED.values(), ids=RATCHETED)
def test_what_has_not_changed_is_let_pass(schema: JSON, new: Any, old: Any, count: int) -> None:
    assert len(errors(schema, new, old)) == count


def test_openapi() -> None:
    kind = of(f={**TEXT, "nullable": True, "default": "x"}, g={"x-kubernetes-int-or-string": True})
    three, two = kind.schemas(older=False)["b.a.v1.Foo"], kind.schemas(older=True)["b.a.v1.Foo"]
    assert three["properties"]["f"] == {"type": "string", "nullable": True, "default": "x"}
    assert two["properties"]["f"] == {}
    assert three["x-kubernetes-group-version-kind"] == [{"group": "a.b", "version": "v1", "kind": "Foo"}]
    assert set(three["properties"]) == {"apiVersion", "kind", "metadata", "f", "g"}


def test_what_kubectl_would_take_for_all_that_there_may_be_is_not_in_openapi_two() -> None:
    open_ended = {"x-kubernetes-preserve-unknown-fields": True}
    kind = of(
        f={"type": "object", "description": "F", "properties": {"a": TEXT}, **open_ended},
        g={"type": "array", "items": TEXT, **open_ended},
    )
    published = kind.schemas(older=True)["b.a.v1.Foo"]["properties"]
    assert published["f"] == {"type": "object", "description": "F", **open_ended}
    assert published["g"] == open_ended
