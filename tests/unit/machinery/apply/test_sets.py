from __future__ import annotations

import json

import pytest
from hypothesis import given

from knarr.machinery.apply.elements import ElementError, canonical
from knarr.machinery.apply.sets import (
    EMPTY,
    FieldSet,
    decoded,
    difference,
    intersection,
    paths,
    union,
    without_branches,
)
from tests.unit.machinery.apply.strategies import field_sets


def members(fields: FieldSet) -> set[str]:
    return set(paths(fields))


@given(field_sets, field_sets)
def test_the_algebra_is_that_of_the_sets_of_paths(left: FieldSet, right: FieldSet) -> None:
    assert members(union(left, right)) == members(left) | members(right)
    assert members(difference(left, right)) == members(left) - members(right)
    assert members(intersection(left, right)) == members(left) & members(right)


@given(field_sets, field_sets)
def test_without_branches_removes_members_and_what_is_below(left: FieldSet, right: FieldSet) -> None:
    gone = members(right)
    kept = {path for path in members(left) if not any(path == g or path.startswith((f"{g}.", f"{g}[")) for g in gone)}
    assert members(without_branches(left, right)) == kept


@given(field_sets, field_sets)
def test_an_operation_that_changes_nothing_returns_its_argument(left: FieldSet, right: FieldSet) -> None:
    if not members(left) & members(right):
        assert difference(left, right) is left
    if left:
        assert union(left, intersection(left, right)) is left


@given(field_sets, field_sets)
def test_sets_have_one_form(left: FieldSet, right: FieldSet) -> None:
    joined = union(left, right)
    assert json.dumps(joined) == json.dumps(union(right, left)) == json.dumps(decoded(joined))
    assert union(difference(joined, right), right) == joined
    assert difference(joined, joined) == EMPTY


@pytest.mark.parametrize(
    ("written", "form"),
    [
        pytest.param("f:a b", "f:a b", id="field"),
        pytest.param('k:{ "port": 80, "name": "x" }', 'k:{"name":"x","port":80}', id="keys in order"),
        pytest.param('v: "a<b"', 'v:"a\\u003cb"', id="escaped as Go does"),
        pytest.param('v:{"b":1,"a":[2]}', 'v:{"a":[2],"b":1}', id="an object's keys in order"),
        pytest.param("i:3", "i:3", id="index"),
        pytest.param(".", ".", id="self"),
    ],
)
def test_an_element_has_one_form(written: str, form: str) -> None:
    assert canonical(written) == form


@pytest.mark.parametrize("bad", ["", "x", "k:[]", "k:{", "v:", "i:x", "q:1"])
def test_other_elements_are_refused(bad: str) -> None:
    with pytest.raises(ElementError):
        canonical(bad)


def test_paths_are_written_as_messages_write_them() -> None:
    fields: FieldSet = {
        "f:spec": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:name": {}}, 'v:"x"': {}, "i:0": {}}
    }
    assert list(paths(fields)) == [
        '.spec[containerPort=80,protocol="TCP"]',
        '.spec[containerPort=80,protocol="TCP"].name',
        '.spec[="x"]',
        ".spec[0]",
    ]
