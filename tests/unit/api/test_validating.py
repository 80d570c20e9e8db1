"""Validation: the schema's demands and the rules', each with upstream's words and path."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types.shapes import ListOf, MapOf, Struct
from knarr.machinery.fielderrors import forbidden
from knarr.machinery.names import port_name
from tests.unit.api.shapes import INTEGER, QUANTITY, TEXT, rules, struct, typed, use

ITEM = struct("Item", "name", name=TEXT, port=INTEGER, protocol=TEXT)
ROOT = struct(
    "Root",
    "must",
    must=TEXT,
    list=ListOf(TEXT),
    mode=TEXT,
    modes=ListOf(TEXT),
    size=INTEGER,
    amounts=MapOf(QUANTITY),
    port=TEXT,
    items=ListOf(ITEM, keys=("name",)),
    pairs=ListOf(ITEM, keys=("port", "protocol")),
    env=ListOf(ITEM, keys=("name",)),
    map=MapOf(ITEM),
)


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch,
        rules(
            "Root",
            required=("list",),
            enums={"mode": ("b", "a"), "modes": ("a",)},
            bounds={"size": (1, 9), "amounts": (0, None)},
            names={"port": port_name},
            validate=lambda root, path: [forbidden(f"{path}.map", "never")] if "never" in root.get("map", {}) else [],
        ),
    )


def faults(tree: dict[str, Any], shape: Struct = ROOT) -> list[str]:
    root = struct("Holder", "root", root=shape)
    return [str(error) for error in typed(root).validate({"root": {"must": "x", "list": ["y"], **tree}})]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({}, []),
        ({"must": ""}, ["root.must: Required value"]),
        ({"list": []}, ["root.list: Required value"]),
        ({"mode": "c"}, ['root.mode: Unsupported value: "c": supported values: "a", "b"']),
        ({"mode": ""}, []),
        ({"modes": ["a", "b"]}, ['root.modes[1]: Unsupported value: "b": supported values: "a"']),
        ({"size": 0}, ["root.size: Invalid value: 0: must be between 1 and 9, inclusive"]),
        ({"size": "25%"}, []),
        (
            {"amounts": {"cpu": "-1", "x": "1"}},
            ['root.amounts[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        ({"port": "80"}, ['root.port: Invalid value: "80": must contain at least one letter (a-z)']),
        ({"items": [{"name": "a"}, {"name": "a"}]}, ['root.items[1].name: Duplicate value: "a"']),
        ({"items": [{}]}, ["root.items[0].name: Required value"]),
        (
            {"pairs": [{"name": "a", "port": 1, "protocol": "TCP"}, {"name": "b", "port": 1, "protocol": "TCP"}]},
            ['root.pairs[1]: Duplicate value: {"port":1,"protocol":"TCP"}'],
        ),
        ({"env": [{"name": "a"}, {"name": "a"}]}, []),
        ({"map": {"k": {}}}, ["root.map[k].name: Required value"]),
        ({"map": {"never": {"name": "x"}}}, ["root.map: Forbidden: never"]),
        (
            {"size": 10, "mode": "z"},
            [
                "root.size: Invalid value: 10: must be between 1 and 9, inclusive",
                'root.mode: Unsupported value: "z": supported values: "a", "b"',
            ],
        ),
    ],
    ids=str,
)
def test_faults(tree: dict[str, Any], expected: list[str]) -> None:
    assert faults(tree) == expected


def test_of_absent_objects_what_they_must_have_is_missing() -> None:
    found = [str(error) for error in typed(struct("Holder", "root", root=ROOT)).validate({})]
    assert found == ["root.must: Required value", "root.list: Required value"]


def test_a_list_that_must_be_there_may_be_empty_which_is_none_in_protobuf() -> None:
    kept = struct("Kept", "drivers", drivers=ListOf(TEXT))
    assert typed(struct("Holder", "root", root=kept)).validate({"root": {}}) == []


def test_what_a_change_leaves_alone_is_not_validated_again() -> None:
    old = {"must": "x", "list": ["x"], "mode": "bad", "size": 1}
    changed = typed(ROOT).validate_changes({**old, "size": 10}, old)
    assert [error.path for error in changed] == ["size"]
    removed = typed(ROOT).validate_changes({"mode": "bad", "list": ["x"]}, old)
    assert [error.path for error in removed] == ["must"]
