"""Strategic merge patch: each strategy and each directive, with a schema as small as can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery.patches import PatchError
from knarr.machinery.strategic import PatchField, PatchSchema, strategic_merge
from knarr.machinery.trees import copied

JSON = dict[str, Any]


class Schema:
    """`items` merge by name, `tags` as primitives, `plain` is replaced, `whole` is an object that is replaced."""

    def field(self, name: str) -> PatchField:
        return {
            "items": PatchField(self, merge=True, merge_key="name"),
            "tags": PatchField(self, merge=True),
            "keyless": PatchField(self, merge=True),
            "whole": PatchField(self, replace=True),
        }.get(name, PatchField(self))


SCHEMA: PatchSchema = Schema()


def named(*names: str) -> list[JSON]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("original", "patch", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 3, "b": None}, {"a": 3}, id="fields"),
        pytest.param({"o": {"a": 1}}, {"o": {"b": 2}}, {"o": {"a": 1, "b": 2}}, id="objects merge"),
        pytest.param({}, {"o": {"a": None, "b": 1}}, {"o": {"b": 1}}, id="nulls of new objects vanish"),
        pytest.param({"whole": {"a": 1}}, {"whole": {"b": 2}}, {"whole": {"b": 2}}, id="an object that is replaced"),
        pytest.param({"plain": [1, 2]}, {"plain": [3]}, {"plain": [3]}, id="lists are replaced"),
        pytest.param({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, {"tags": ["a", "b", "c"]}, id="primitives merge"),
        pytest.param(
            {"items": [{"name": "a", "x": 1, "y": 1}]},
            {"items": [{"name": "a", "x": 2, "y": None}]},
            {"items": [{"name": "a", "x": 2}]},
            id="items merge by key",
        ),
        pytest.param(
            {"items": named("a")}, {"items": named("b")}, {"items": named("b", "a")}, id="new items come first"
        ),
        pytest.param({}, {"items": named("a")}, {"items": named("a")}, id="a list that was not there"),
        pytest.param({"o": 1}, {"o": {"a": 1}}, {"o": {"a": 1}}, id="another type replaces"),
        pytest.param({"o": {"a": 1}}, {"o": {"$patch": "replace", "b": 2}}, {"o": {"b": 2}}, id="$patch replace"),
        pytest.param({"o": {"a": 1}}, {"o": {"$patch": "delete"}}, {"o": {}}, id="$patch delete"),
        pytest.param({"o": {"a": 1}}, {"o": {"$patch": "merge", "b": 2}}, {"o": {"a": 1, "b": 2}}, id="$patch merge"),
        pytest.param(
            {"items": named("a", "b", "c")},
            {"items": [{"name": "b", "$patch": "delete"}]},
            {"items": named("a", "c")},
            id="$patch delete of an item",
        ),
        pytest.param(
            {"items": named("a", "b")},
            {"items": [{"name": "z", "$patch": "delete"}]},
            {"items": named("a", "b")},
            id="$patch delete of no item",
        ),
        pytest.param(
            {"items": named("a", "b")},
            {"items": [{"$patch": "replace"}, {"name": "c"}]},
            {"items": named("c")},
            id="$patch replace of a list",
        ),
        pytest.param(
            {"o": {"type": "Rolling", "rolling": {"a": 1}}},
            {"o": {"$retainKeys": ["type"], "type": "Recreate"}},
            {"o": {"type": "Recreate"}},
            id="$retainKeys",
        ),
        pytest.param(
            {"tags": ["a", "b", "c"]},
            {"$deleteFromPrimitiveList/tags": ["b", "z"]},
            {"tags": ["a", "c"]},
            id="$deleteFromPrimitiveList",
        ),
        pytest.param(
            {"items": named("a", "b", "c")},
            {"$setElementOrder/items": named("c", "a"), "items": [{"name": "a", "x": 1}]},
            {"items": [{"name": "b"}, {"name": "c"}, {"name": "a", "x": 1}]},
            id="$setElementOrder, one item not named",
        ),
        pytest.param(
            {"tags": ["a", "b", "c"]},
            {"$setElementOrder/tags": ["d", "c", "a"], "tags": ["d"], "$deleteFromPrimitiveList/tags": ["b"]},
            {"tags": ["d", "c", "a"]},
            id="$setElementOrder of primitives",
        ),
        pytest.param({}, {"$setElementOrder/items": named("a")}, {}, id="$setElementOrder of nothing"),
    ],
)
def test_strategic_merge(original: JSON, patch: JSON, expected: JSON) -> None:
    before = copied(original)
    assert strategic_merge(original, patch, SCHEMA) == expected
    assert original == before


def test_a_merge_shares_what_the_patch_does_not_name() -> None:
    original: JSON = {"o": {"a": {"x": 1}, "b": {"y": 2}}, "items": named("a", "b")}
    merged = strategic_merge(original, {"o": {"a": {"x": 2}}, "items": named("a")}, SCHEMA)
    assert merged["o"]["b"] is original["o"]["b"]
    assert merged["items"][1] is original["items"][1]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"o": {"$patch": "burn"}}, "unknown patch type: burn in map"),
        ({"items": [{"x": 1}]}, "does not contain declared merge key: name"),
        ({"items": ["a"]}, "a list of objects holds 'a'"),
        ({"items": [{"name": ["a"]}]}, "is no primitive"),
        ({"tags": [["a"]]}, "is no primitive"),
        ({"keyless": [{"a": 1}]}, "cannot merge lists without merge key"),
        ({"o": {"$retainKeys": ["a"], "b": 1}}, "patch content doesn't match retainKeys list"),
        ({"o": {"$retainKeys": "a"}}, "invalid patch format of retainKeys"),
        ({"$deleteFromPrimitiveList/tags": "a"}, "invalid patch format of primitive list"),
        ({"$setElementOrder/items": named("b", "a"), "items": named("a", "b")}, "The order in patch list"),
        ({"$setElementOrder/items": named("b"), "items": named("a")}, "The order in patch list"),
        ({"$setElementOrder/items": 1}, "invalid patch format of setElementOrder list"),
    ],
    ids=str,
)
def test_a_wrong_patch_says_why(patch: JSON, message: str) -> None:
    original = {"items": named("a", "b"), "tags": ["x"]}
    with pytest.raises(PatchError, match=message):
        strategic_merge(original, patch, SCHEMA)


lists = st.lists(st.sampled_from("abcdef"), unique=True)


@given(lists, lists)
def test_a_merge_keeps_every_item_once_and_changes_no_argument(before: list[str], patched: list[str]) -> None:
    original, patch = {"items": named(*before)}, {"items": named(*patched)}
    merged = strategic_merge(original, patch, SCHEMA)
    assert sorted(item["name"] for item in merged["items"]) == sorted({*before, *patched})
    assert (original, patch) == ({"items": named(*before)}, {"items": named(*patched)})
    assert strategic_merge(merged, patch, SCHEMA) == merged


@given(lists, lists)
def test_the_order_set_is_the_order_had(before: list[str], order: list[str]) -> None:
    patch = {"$setElementOrder/items": named(*order), "items": named(*order)}
    merged = strategic_merge({"items": named(*before)}, patch, SCHEMA)
    assert [item["name"] for item in merged["items"] if item["name"] in order] == order
