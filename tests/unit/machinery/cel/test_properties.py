"""What holds for every expression, sensible or not."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from knarr.machinery.cel import CelError, CompileError, Environment
from knarr.machinery.cel.libraries.table import FUNCTIONS
from knarr.machinery.cel.names import escape, unescape
from knarr.machinery.cel.values import compare, equal
from tests.unit.machinery.cel.test_language import BINDINGS, ENVIRONMENT

ATOMS = [
    "object",
    "object.spec",
    "object.spec.items",
    "n",
    "s",
    "self",
    "self.steps",
    "self.weights",
    "null",
    "1",
    "-1",
    "1u",
    "1.5",
    "'a'",
    "b'a'",
    "true",
    "[]",
    "{}",
    "[1]",
    "{'a':1}",
    "duration('1s')",
    "timestamp(0)",
    "optional.of(1)",
    "optional.none()",
    "dyn('x')",
    "dyn(1)",
    "dyn([1])",
    "dyn({})",
    "dyn(null)",
    "quantity('1')",
    "ip('::1')",
    "cidr('::/0')",
    "url('http://a')",
    "semver('1.2.3')",
    "dyn(quantity('1'))",
    "9223372036854775807",
]
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"]
MACROS = [
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
    "transformList",
    "transformMap",
    "transformMapEntry",
    "optMap",
    "optFlatMap",
]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([name for name in FUNCTIONS if name.isidentifier()])
    variables = st.sampled_from(["x", "x, y"])
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, names, st.lists(inner, max_size=2)).map(lambda t: f"{t[0]}.{t[1]}({', '.join(t[2])})"),
        st.tuples(names, inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, st.sampled_from(["", "?"]), inner).map(lambda t: f"{t[0]}[{t[1]}{t[2]}]"),
        st.tuples(inner, st.sampled_from([".spec", ".?a", ".name"])).map("".join),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(inner, st.sampled_from(MACROS), variables, inner).map(lambda t: f"{t[0]}.{t[1]}({t[2]}, {t[3]})"),
    )


EXPRESSIONS = st.recursive(st.sampled_from([*ATOMS, "x", "y"]), larger, max_leaves=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)  # some run into the limit of their cost
@given(EXPRESSIONS)
def test_nothing_but_a_value_or_a_reason_comes_of_an_expression(text: str) -> None:
    try:
        program = ENVIRONMENT.compile(text)
        assert 0 <= program.cost.least <= program.cost.most
        program.evaluate(BINDINGS)
    except (CompileError, CelError) as error:
        assert str(error)


@given(st.text(max_size=30))
def test_any_text_is_an_expression_or_has_a_reason_not_to_be(text: str) -> None:
    try:
        Environment({}).compile(text)
    except CompileError as error:
        assert all(issue.line >= 1 and issue.column >= 1 for issue in error.issues)


@given(VALUES, VALUES)
def test_equality(one: Any, other: Any) -> None:
    assert equal(one, one)
    assert equal(one, other) == equal(other, one)


@given(st.integers(-5, 5) | st.floats(allow_nan=False), st.integers(-5, 5) | st.floats(allow_nan=False))
def test_numbers_have_one_order_across_their_types(one: float, other: float) -> None:
    assert compare(one, other) == -compare(other, one)
    assert (compare(one, other) == 0) == equal(one, other)


@given(st.from_regex(r"[A-Za-z_./-][A-Za-z0-9_./-]*", fullmatch=True))
def test_a_property_and_its_identifier_mean_each_other(name: str) -> None:
    escaped = escape(name)
    assert escaped is not None
    assert unescape(escaped) == name
