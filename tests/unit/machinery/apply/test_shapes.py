from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from knarr.machinery.apply.lists import Items
from knarr.machinery.apply.sets import EMPTY, LEAF, paths, union
from knarr.machinery.apply.shapes import Atomic, Problem
from knarr.machinery.apply.structs import Repeated, Struct
from tests.unit.machinery.apply.strategies import JSON, SHAPE, TEXT, values


def taken(old: JSON, new: JSON) -> list[str]:
    return list(paths(SHAPE.changes(old, new).taken or EMPTY)) if old != new else []


def removed(old: JSON, new: JSON) -> list[str]:
    return list(paths(SHAPE.changes(old, new).removed or EMPTY)) if old != new else []


@given(values, values)
def test_what_is_merged_holds_all_of_the_configuration(live: JSON, config: JSON) -> None:
    merged = SHAPE.merged(live, config)
    assert SHAPE.merged(merged, config) == merged
    assert set(taken(live, merged)) <= set(paths(SHAPE.whole(config)))
    assert [path for path in removed(live, merged) if not path.startswith(".extra")] == []


@given(values)
def test_merging_into_nothing_or_into_itself_changes_nothing(value: JSON) -> None:
    assert SHAPE.merged({}, value) == value
    assert SHAPE.merged(value, value) == value
    assert SHAPE.merged(value, {}) == value


@given(values, values)
def test_changes_one_way_are_those_of_the_other_way_back(old: JSON, new: JSON) -> None:
    forth, back = set(taken(old, new)), set(taken(new, old))
    gone, come = set(removed(old, new)), set(removed(new, old))
    assert come <= forth
    assert gone <= back
    typed = {path for path in forth | back if not path.startswith(".extra")}  # else parts may become one value
    assert (forth - come) & typed == (back - gone) & typed


_repeated = Repeated(lambda: SHAPE.fields, frozenset())


@given(values, values)
def test_what_is_remembered_is_what_would_be_found(old: JSON, new: JSON) -> None:
    for before, after in (({}, new), (old, new), (new, {}), ({}, old)):
        assert _repeated.changes(before, after) == SHAPE.changes(before, after)


@given(values)
def test_a_new_object_takes_what_one_with_nothing_in_common_takes(new: JSON) -> None:
    assert SHAPE.changes({}, new).taken == (SHAPE.changes({"other": 1}, new).taken if new else LEAF)


_PRESENT = Struct({"spec": Struct({"a": TEXT}), "list": Atomic(Items(TEXT))}, present=frozenset(("spec", "list")))


@pytest.mark.parametrize(
    ("new", "took"),
    [
        ({"spec": {}, "list": []}, []),
        ({"spec": {"a": ""}, "list": []}, [".spec.a"]),
        ({"spec": {}, "list": ["x"]}, [".list"]),
    ],
    ids=str,
)
def test_empty_parts_that_are_always_there_are_not_taken(new: JSON, took: list[str]) -> None:
    for old in (dict[str, int](), {"other": 1}):
        assert list(paths(_PRESENT.changes(old, new).taken or EMPTY)) == took


@given(values)
def test_without_all_that_it_owns_nothing_is_left(value: JSON) -> None:
    fields = SHAPE.owned(value)
    if value and fields:
        rest = SHAPE.without(value, SHAPE.named(fields)) or {}
        assert all(not part for part in rest.values())


@given(values)
def test_what_can_be_generated_can_be_applied(value: JSON) -> None:
    problems: list[Problem] = []
    SHAPE.check(value, "", problems)
    assert problems == []


@given(values)
def test_the_whole_holds_what_is_owned(value: JSON) -> None:
    owned, whole = SHAPE.owned(value) or EMPTY, SHAPE.whole(value)
    if value:
        assert union(whole, owned) == whole


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        pytest.param("abc", "x", "abcx", id="new at the end"),
        pytest.param("abc", "ca", "bca", id="the configuration's order"),
        pytest.param("abc", "xb", "axbc", id="new before its neighbour"),
        pytest.param("abc", "", "abc", id="none named"),
        pytest.param("a1b2", "ba", "1b2a", id="others stay before what they stood before"),
        pytest.param("aab", "b", "aab", id="doubled ones stay"),
        pytest.param("aab", "a", "ab", id="doubled ones are replaced"),
    ],
)
def test_the_order_of_a_merged_set(live: str, config: str, merged: str) -> None:
    result = SHAPE.merged({"finalizers": list(live)}, {"finalizers": list(config)})
    assert "".join(result["finalizers"]) == merged


@pytest.mark.parametrize(
    ("old", "new", "took", "lost"),
    [
        pytest.param({}, {"labels": {"a": "1"}}, [".labels", ".labels.a"], [], id="a map with its first key"),
        pytest.param({"labels": {"a": "1"}}, {"labels": {"a": "2"}}, [".labels.a"], [], id="a value"),
        pytest.param({"labels": {"a": "1"}}, {"labels": {}}, [], [".labels.a"], id="a key"),
        pytest.param({"labels": {"a": "1"}}, {}, [], [".labels", ".labels.a"], id="a map"),
        pytest.param({"selector": {"a": "1"}}, {"selector": {"b": "1"}}, [".selector"], [], id="atomic map"),
        pytest.param({"args": ["1"]}, {"args": ["1", "2"]}, [".args"], [], id="atomic list"),
        pytest.param(
            {"containers": [{"name": "a", "image": "x"}]},
            {"containers": [{"name": "a"}, {"name": "b"}]},
            ['.containers[name="b"]', '.containers[name="b"].name'],
            ['.containers[name="a"].image'],
            id="items by key",
        ),
        pytest.param(
            {"ports": [{"port": 1}]},
            {"ports": [{"port": 1, "protocol": "TCP"}]},
            ['.ports[port=1,protocol="TCP"].protocol'],
            [],
            id="a key's default",
        ),
        pytest.param({"finalizers": ["x", "y"]}, {"finalizers": ["y", "x"]}, [], [], id="order is nobody's"),
        pytest.param(
            {"containers": [{"name": "a"}]},
            {"containers": [{"name": "a"}, {"name": "a", "image": "x"}]},
            ['.containers[name="a"]'],
            ['.containers[name="a"]', '.containers[name="a"].name'],
            id="an item doubled",
        ),
        pytest.param({"labels": None}, {"labels": {"a": "1"}}, [".labels.a"], [], id="from null"),
        pytest.param({"labels": {"a": "1"}}, {"labels": None}, [], [".labels.a"], id="to null"),
        pytest.param({"ports": []}, {"ports": None}, [".ports"], [], id="empty to null"),
        pytest.param({"extra": {"a": 1}}, {"extra": {"a": {"b": 1}}}, [".extra.a", ".extra.a.b"], [], id="deduced"),
        pytest.param(
            {"extra": {"a": {"b": 1}}}, {"extra": {"a": 1}}, [".extra.a"], [".extra.a", ".extra.a.b"], id="no more"
        ),
    ],
)
def test_changes(old: JSON, new: JSON, took: list[str], lost: list[str]) -> None:
    assert (taken(old, new), removed(old, new)) == (took, lost)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param({"unknown": 1}, ".unknown: field not declared in schema", id="unknown"),
        pytest.param({"replicas": "x"}, ".replicas: expected numeric (int or float), got string", id="numeric"),
        pytest.param(
            {"containers": [{"name": "a", "image": 8}]},
            '.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:8}',
            id="string",
        ),
        pytest.param({"paused": "yes"}, ".paused: expected boolean, got &{yes}", id="boolean"),
        pytest.param({"labels": []}, ".labels: expected map, got &{[]}", id="map"),
        pytest.param({"containers": {}}, ".containers: expected list, got &{{}}", id="list"),
        pytest.param({"args": [1]}, ".args[0]: expected string, got &value.valueUnstructured{Value:1}", id="in a list"),
        pytest.param(
            {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]},
            '.ports: duplicate entries for key [port=1,protocol="TCP"]',
            id="doubled",
        ),
        pytest.param({"finalizers": ["x", "x"]}, '.finalizers: duplicate entries for key [="x"]', id="doubled value"),
        pytest.param(
            {"containers": [{"image": "x"}]},
            '.containers: element 0: associative list with keys has an element that omits all key fields ["name"] '
            "(and doesn't have default values for any key fields)",
            id="no key",
        ),
        pytest.param(
            {"containers": [{"name": ["x"]}]},
            '.containers[name=["x"]].name: expected string, got &value.valueUnstructured{Value:["x"]}',
            id="no plain key",
        ),
        pytest.param(
            {"containers": ["x"]},
            ".containers: element 0: associative list with keys may not have non-map elements",
            id="no object",
        ),
    ],
)
def test_what_cannot_be_applied(config: JSON, problem: str) -> None:
    problems: list[Any] = []
    SHAPE.check(config, "", problems)
    assert [str(found) for found in problems] == [problem]
