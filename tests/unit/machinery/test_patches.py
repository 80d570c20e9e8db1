"""JSON Patch and JSON Merge Patch: the RFCs' own examples, and what a patch that fails is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery.patches import PatchError, TestFailedError, json_patch, merge_patch
from knarr.machinery.trees import copied

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [  # RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
    ids=str,
)
def test_merge_patch(document: Any, patch: Any, expected: Any) -> None:
    before = copied(document)
    assert merge_patch(document, patch) == expected
    assert document == before


@given(JSON, JSON)
def test_merging_twice_is_merging_once(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


def _difference(before: Any, after: Any) -> Any:
    """The merge patch from one document to another that holds no nulls."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    changed = {key: _difference(before.get(key), value) for key, value in after.items() if value != before.get(key)}
    return {**dict.fromkeys(before.keys() - after.keys()), **changed}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return 0 if value is None else value
    return {key: _without_nulls(item) for key, item in value.items()}


@given(JSON, JSON.map(_without_nulls))
def test_a_merge_patch_leads_anywhere(before: Any, after: Any) -> None:
    assert merge_patch(before, _difference(before, after)) == after


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=3), st.text(max_size=3), JSON)
def test_what_is_added_is_found_and_can_be_taken_back(document: dict[str, Any], key: str, value: Any) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = json_patch(
        document, [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}]
    )
    assert added == {**document, key: value}
    rest = {name: item for name, item in document.items() if name != key}
    assert json_patch(added, [{"op": "remove", "path": path}]) == rest
    moved = json_patch({"from": added}, [{"op": "move", "from": "/from", "path": "/to"}])
    assert json_patch(moved, [{"op": "move", "from": "/to", "path": "/from"}]) == {"from": added}


@given(JSON, JSON)
def test_a_patch_is_applied_as_a_whole_or_not_at_all(before: Any, value: Any) -> None:
    document = {"a": before}
    failing = [{"op": "replace", "path": "/a", "value": value}, {"op": "remove", "path": "/missing"}]
    with pytest.raises(PatchError):
        json_patch(document, failing)
    assert document == {"a": before}


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [  # RFC 6902, appendix A
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": [2]}], {"a": [1, [2]]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2, 3]}, [{"op": "remove", "path": "/a/1"}], {"a": [1, 3]}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2]}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a/b": 1, "m~n": 2}, [{"op": "test", "path": "/a~1b", "value": 1}], {"a/b": 1, "m~n": 2}),
        ({"m~n": 2}, [{"op": "replace", "path": "/m~0n", "value": 3}], {"m~n": 3}),
        ({"~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"~1": 10}),
        ({"a": 1}, [{"op": "test", "path": "/b", "value": None}], {"a": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": 1}, [], {"a": 1}),
    ],
    ids=str,
)
def test_json_patch(document: Any, operations: list[Any], expected: Any) -> None:
    assert json_patch(document, operations) == expected


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            {"op": "add", "path": "/x/y", "value": 1},
            'add operation does not apply: doc is missing path: "/x/y": missing value',
        ),
        (
            {"op": "remove", "path": "/x"},
            "error in remove for path: '/x': unable to remove nonexistent key: x: missing value",
        ),
        ({"op": "replace", "path": "/x"}, "replace operation does not apply: doc is missing key: /x: missing value"),
        ({"op": "remove", "path": "/l/7"}, "Unable to access invalid index: 7: invalid index referenced"),
        ({"op": "add", "path": "/l/x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
        (
            {"op": "copy", "from": "/x", "path": "/y"},
            "copy operation does not apply: doc is missing from path: /x: missing value",
        ),
        ({"op": "copy", "path": "/y"}, "copy operation does not apply: doc is missing from path: : missing value"),
        ({"op": "move", "from": "/a", "path": "/a/b"}, "cannot move '/a' into itself at '/a/b'"),
        ({"op": "jump", "path": "/a"}, "Unexpected kind: jump"),
        ({"path": "/a"}, "Unexpected kind: unknown"),
        ({"op": "add"}, 'add operation does not apply: doc is missing path: "": missing value'),
        ({"op": "remove", "path": ""}, "remove operation does not apply: the document itself cannot be removed"),
        ("add", "json: cannot unmarshal array element into Go value of type jsonpatch.Operation"),
    ],
    ids=str,
)
def test_a_json_patch_that_does_not_apply(operation: Any, message: str) -> None:
    document = {"a": {"b": 1}, "l": [1]}
    with pytest.raises(PatchError) as failure:
        json_patch(document, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert (str(failure.value), document) == (message, {"a": {"b": 1}, "l": [1]})


@pytest.mark.parametrize("value", [1, True, "x", None, {"b": True}], ids=str)
def test_a_test_that_fails(value: Any) -> None:
    with pytest.raises(TestFailedError, match="testing value /a failed: test failed"):
        json_patch({"a": {"b": 1}}, [{"op": "test", "path": "/a", "value": value}])


@given(JSON)
def test_results_share_nothing_with_the_patch(value: Any) -> None:
    patched = json_patch({}, [{"op": "add", "path": "/a", "value": value}, {"op": "copy", "from": "/a", "path": "/b"}])
    assert patched == {"a": value, "b": value}
    if isinstance(value, dict | list):
        assert patched["a"] is not patched["b"] is not value


def test_copies_cannot_grow_without_limit() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/x"}, {"op": "copy", "from": "/a", "path": "/a/y"}] * 20
    with pytest.raises(PatchError, match="the accumulated size increase of copy is"):
        json_patch({"a": {"b": "c" * 100}}, doubling)
