"""Defaulting: in which order, and over what."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types.shapes import ListOf, MapOf
from tests.unit.api.shapes import INTEGER, TEXT, rules, struct, typed, use

CHILD = struct("Child", mode=TEXT, size=INTEGER)
ROOT = struct(
    "Root", name=TEXT, child=CHILD, children=ListOf(CHILD), named=MapOf(CHILD), tags=ListOf(TEXT), total=INTEGER
)


def defaulted(tree: dict[str, Any]) -> dict[str, Any]:
    typed(ROOT).default(tree)
    return tree


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def total(root: dict[str, Any]) -> None:
        root["total"] = sum(child["size"] for child in root.get("children", ()))

    use(
        monkeypatch,
        rules("Child", defaults={"mode": "plain", "size": lambda child: 1 if child["mode"] == "plain" else None}),
        rules("Root", defaults={"tags": ["new"]}, default=total),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"child": {}}, {"child": {"mode": "plain", "size": 1}}),
        ({"child": {"mode": ""}}, {"child": {"mode": "plain", "size": 1}}),
        ({"child": {"mode": "odd"}}, {"child": {"mode": "odd"}}),
        ({"child": {"size": 0}}, {"child": {"mode": "plain", "size": 0}}),
        ({"named": {"a": {}}}, {"named": {"a": {"mode": "plain", "size": 1}}}),
        ({"tags": []}, {"tags": []}),
    ],
    ids=str,
)
def test_what_is_absent_is_added(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert defaulted(given) == {"tags": ["new"], "total": 0, **expected}


def test_what_depends_on_the_children_comes_last() -> None:
    assert defaulted({"children": [{}, {"size": 4}]})["total"] == 5


def test_objects_do_not_share_their_defaults() -> None:
    first, second = defaulted({}), defaulted({})
    first["tags"].append("mine")
    assert second["tags"] == ["new"]


def test_defaulting_twice_changes_nothing() -> None:
    once = defaulted({"child": {}, "children": [{}]})
    assert defaulted({**once}) == once
