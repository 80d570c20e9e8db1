"""YAML: what upstream's reader would see, and text that it would read back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery import yamls
from knarr.machinery.yamls import YAMLError

LAUGHS = "a: &a [l, o, l]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]" for a, b in pairwise("abcdefghijklm"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("n", False),
        ("~", None),
        ("0777", 511),
        ("0o17", 15),
        ("0x10", 16),
        ("1_000", 1000),
        ("-5", -5),
        ("1e3", 1000),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("08", 8),
        ("'yes'", "yes"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("100m", "100m"),
        ("=", "="),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    loaded = yamls.load(f"a: {text}")["a"]
    assert (loaded, type(loaded)) == (value, type(value))


def test_keys_are_text() -> None:
    assert yamls.load("{1: a, yes: b, ~: c, 1.5: d}") == {"1": "a", "true": "b", "null": "c", "1.5": "d"}


def test_documents_that_are_empty_are_left_out() -> None:
    assert yamls.load_all("---\na: 1\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert yamls.load("") is None


def test_what_an_alias_stands_for_is_not_shared() -> None:
    tree = yamls.load("a: &x {b: 1}\nc: *x")
    tree["a"]["b"] = 2
    assert tree == {"a": {"b": 2}, "c": {"b": 1}}


def test_anchors_and_merge_keys() -> None:
    assert yamls.load("a: &x {b: 1}\nc: {<<: *x, d: 2}") == {"a": {"b": 1}, "c": {"b": 1, "d": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [b\nc: d", "error converting YAML to JSON: yaml: line 2: did not find expected ',' or ']'"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: *nowhere", "undefined alias"),
        (LAUGHS, "document contains excessive aliasing"),
        ("a: &a [*a]", "recursion"),
    ],
    ids=["syntax", "foreign tag", "alias", "a billion laughs", "a circle"],
)
def test_what_is_no_yaml(text: str, message: str) -> None:
    with pytest.raises(YAMLError) as failure:
        yamls.load(text)
    assert message in str(failure.value)


def test_dump_is_what_kubectl_prints() -> None:
    tree = {
        "b": [{"y": "yes", "n": 1}],
        "a": {"text": "one\ntwo\n", "time": "2026-01-02T10:00:00Z", "none": None},
        "e": [],
    }
    assert yamls.dump(tree) == (
        'a:\n  none: null\n  text: |\n    one\n    two\n  time: "2026-01-02T10:00:00Z"\n'
        'b:\n- "n": 1\n  "y": "yes"\ne: []\n'
    )


integers = st.integers(-(2**63), 2**64 - 1)  # beyond, as for Go, a number is a float
scalars = st.none() | st.booleans() | integers | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5))
def test_what_is_dumped_is_loaded(tree: Any) -> None:
    assert yamls.load(yamls.dump({"tree": tree})) == {"tree": tree}


def test_keys_that_come_twice() -> None:
    text = "a: 1\nb:\n- {c: 1, c: 2}\na: 2\nd: &x {e: 1, e: 1}\nf: *x\n"
    assert yamls.duplicate_keys(text) == [(3, "c"), (4, "a"), (5, "e")]
