"""Updates: what may not change, and how items find what they were."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types.shapes import ListOf, MapOf
from knarr.machinery.fielderrors import invalid
from tests.unit.api.shapes import INTEGER, TEXT, rules, struct, typed, use

ITEM = struct("Item", name=TEXT, fixed=TEXT, size=INTEGER)
ROOT = struct(
    "Root", fixed=TEXT, free=TEXT, item=ITEM, keyed=ListOf(ITEM, keys=("name",)), plain=ListOf(ITEM), map=MapOf(ITEM)
)


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def grows(new: dict[str, Any], old: dict[str, Any], path: str) -> Any:
        if new.get("size", 0) < old.get("size", 0):
            yield invalid(f"{path}.size", new["size"], "may not shrink")

    use(monkeypatch, rules("Item", immutable=("fixed",), validate_update=grows), rules("Root", immutable=("fixed",)))


def item(name: str, fixed: str = "x", **fields: Any) -> dict[str, Any]:
    return {"name": name, "fixed": fixed, **fields}


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ({"free": "a"}, {"free": "b"}, []),
        ({"fixed": "a"}, {"fixed": "b"}, ['fixed: Invalid value: "a": field is immutable']),
        ({}, {"fixed": "b"}, ["fixed: Invalid value: null: field is immutable"]),
        ({"item": item("a", "y")}, {"item": item("a")}, ['item.fixed: Invalid value: "y": field is immutable']),
        ({"item": item("a")}, {}, []),
        ({"keyed": [item("b", "y"), item("a")]}, {"keyed": [item("a")]}, []),
        (
            {"keyed": [item("b"), item("a", "y")]},
            {"keyed": [item("a")]},
            ['keyed[1].fixed: Invalid value: "y": field is immutable'],
        ),
        (
            {"plain": [item("b", "y")]},
            {"plain": [item("a")]},
            ['plain[0].fixed: Invalid value: "y": field is immutable'],
        ),
        ({"plain": [item("b", "y"), item("a")]}, {"plain": [item("a")]}, []),
        (
            {"map": {"k": item("a", size=1)}},
            {"map": {"k": item("a", size=2)}},
            ["map[k].size: Invalid value: 1: may not shrink"],
        ),
    ],
    ids=str,
)
def test_changes(new: dict[str, Any], old: dict[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in typed(ROOT).validate_update(new, old)] == expected
