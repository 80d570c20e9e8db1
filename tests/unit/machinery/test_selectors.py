"""Selectors: what they match, how they read, and what a wrong one is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery import selectors
from knarr.machinery.selectors import (
    FieldSelector,
    SelectorError,
    from_label_selector,
    from_map,
    parse_fields,
    parse_labels,
)
from knarr.machinery.selectors.fields import FieldRequirement

WEB = {"app": "web", "tier": "front", "size": "7"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=db", True),
        ("app in (db, web)", True),
        ("app in (db)", False),
        ("app notin (db,cache)", True),
        ("missing notin (db)", True),
        ("missing in (db,)", False),
        ("size>5", True),
        ("size<5", False),
        ("missing>5", False),
        ("app>5", False),
        (" app = web , tier in ( front , back ) ", True),
        ("app=web,tier=back", False),
        ("in in (in)", False),
        ("missing=", False),
    ],
)
def test_label_selectors(text: str, matches: bool) -> None:
    assert parse_labels(text).matches(WEB) is matches


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "found 'b' expected: '('"),
        ("a in (b", "found '', expected: ',' or ')'"),
        ("a in ()", "<nil>.values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"),
        ("a=(", "found '(', expected: identifier"),
        ("!", "found '', expected: identifier"),
        ("a>b", "<nil>.values: Invalid value: [\"b\"]: for 'Gt', 'Lt' operators, the value must be an integer"),
    ],
)
def test_a_wrong_label_selector_says_why(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as failure:
        parse_labels(text)
    assert str(failure.value) == f"unable to parse requirement: {message}"


@pytest.mark.parametrize("text", ["a=b," * 10_001 + "a=b", "a in (" + "b," * 10_001 + "c)", "(" * 10_001])
def test_so_many_labels_are_not_read(text: str) -> None:
    with pytest.raises(SelectorError, match="there are too many"):
        parse_labels(text)


@pytest.mark.parametrize("text", ["a=b," * 10_001 + "a=b", "a=" + "\\," * 5_001])
def test_so_many_fields_are_not_read(text: str) -> None:
    with pytest.raises(SelectorError, match="there are too many"):
        parse_fields(text)


def test_white_space_takes_no_time() -> None:
    assert parse_labels(" " * 50_000 + "a" + " " * 50_000) == parse_labels("a")


def test_labels_in_selectors_are_checked() -> None:
    with pytest.raises(SelectorError, match=r'<nil>.values\[0\]\[a\]: Invalid value: "\$": a valid label must be'):
        parse_labels("a=$")


def test_a_selector_is_written_as_upstream_writes_it() -> None:
    assert str(parse_labels("c notin (z,y),b,!a,d!=1,e>3")) == "!a,b,c notin (y,z),d!=1,e>3"


def test_equalities_are_what_an_index_can_look_up() -> None:
    assert parse_labels("a=1,b in (2),c in (3,4),d!=5,e").equalities == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
    ],
    ids=str,
)
def test_label_selectors_of_objects(selector: dict[str, Any] | None, matches: bool) -> None:
    assert from_label_selector(selector).matches(WEB) is matches


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(SelectorError, match='"Gt" is not a valid label selector operator'):
        from_label_selector({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]})


def test_node_expressions_know_more_operators() -> None:
    assert selectors.from_node_expressions([{"key": "size", "operator": "Gt", "values": ["5"]}]).matches(WEB)


def test_a_map_of_labels_selects_what_has_them_all() -> None:
    assert from_map({"app": "web"}).matches(WEB)
    assert not from_map({"app": "web", "x": "y"}).matches(WEB)
    assert not from_map({}).matches(WEB)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,spec.nodeName!=n2", True),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
        (r"key=a\,b\=c\\", True),
        ("metadata.name=db", False),
    ],
)
def test_field_selectors(text: str, matches: bool) -> None:
    fields = {"metadata.name": "web", "key": "a,b=c\\"}
    selector = parse_fields(text)
    assert selector.matches(fields) is matches
    assert parse_fields(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=\b", r"invalid field selector: invalid escape sequence: \b"),
    ],
)
def test_a_wrong_field_selector_says_why(text: str, message: str) -> None:
    with pytest.raises(SelectorError) as failure:
        parse_fields(text)
    assert str(failure.value) == message


KEYS = st.sampled_from(("a", "b", "example.com/c", "in", "notin"))
VALUES = st.sampled_from(("", "x", "y", "in", "7"))
LABELS = st.dictionaries(KEYS, VALUES)


@given(KEYS, st.sets(VALUES.filter(bool), min_size=1), LABELS)
def test_in_and_notin_are_opposites(key: str, values: set[str], labels: dict[str, str]) -> None:
    listed = ",".join(sorted(values))
    inside, outside = parse_labels(f"{key} in ({listed})"), parse_labels(f"{key} notin ({listed})")
    assert inside.matches(labels) is (labels.get(key) in values)
    assert outside.matches(labels) is not inside.matches(labels)
    assert parse_labels(key).matches(labels) is not parse_labels(f"!{key}").matches(labels)


@given(KEYS, VALUES, LABELS)
def test_what_must_be_equal_is_what_an_index_may_look_up(key: str, value: str, labels: dict[str, str]) -> None:
    selector = parse_labels(f"{key}={value}")
    assert selector.equalities == {key: value}
    assert selector.matches(labels) is (labels.get(key) == value)
    assert from_map({key: value}).matches(labels) is selector.matches(labels)
    assert parse_labels(f"{key}!={value}").matches(labels) is not selector.matches(labels)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=3), LABELS)
def test_requirements_are_all_to_hold(pairs: list[tuple[str, str]], labels: dict[str, str]) -> None:
    each = [parse_labels(f"{key} in ({value},z)") for key, value in pairs]
    whole = parse_labels(",".join(f"{key} in ({value},z)" for key, value in pairs))
    assert whole.matches(labels) is all(selector.matches(labels) for selector in each)
    expressions = [{"key": key, "operator": "In", "values": [value, "z"]} for key, value in pairs]
    assert from_label_selector({"matchExpressions": expressions}).matches(labels) is whole.matches(labels)


@given(
    st.lists(st.tuples(st.sampled_from(("metadata.name", "spec.x")), st.text(max_size=4), st.booleans()), max_size=3)
)
def test_field_selectors_say_what_they_were_read_from(terms: list[tuple[str, str, bool]]) -> None:
    selector = FieldSelector(tuple(FieldRequirement(*term) for term in terms))
    assert parse_fields(str(selector)) == selector
