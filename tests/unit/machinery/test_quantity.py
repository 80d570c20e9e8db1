"""Quantities: exact, and written in one way only."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery import quantity
from knarr.machinery.quantity import Quantity, QuantityError, canonical, parse

SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", start=1)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("2.", "2"),
        ("+1", "1"),
        ("-1.5", "-1500m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("12e-3", "12e-3"),
        ("100E3", "100e3"),
        ("1E", "1E"),
        ("1000E", "1000E"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1025Ki", "1025Ki"),
        ("0.1n", "1n"),
        ("1.1n", "2n"),
        ("-0.1n", "-1n"),
        ("9999999999999Ei", str(2**63 - 1)),
        ("12345678901234567890", "12345678901234567890"),
        (1024, "1024"),
        (0.25, "250m"),
    ],
)
def test_canonical_text(text: str | float, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("1 Gi", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("1.2.3", "unable to parse numeric part of quantity"),
        (".", "unable to parse numeric part of quantity"),
        ("1" * 5000, "unable to parse numeric part of quantity"),
        ("1mm", "unable to parse quantity's suffix"),
        ("1e", "unable to parse quantity's suffix"),
        ("1ki", "unable to parse quantity's suffix"),
    ],
)
def test_what_is_no_quantity(text: str, message: str) -> None:
    with pytest.raises(QuantityError) as failure:
        parse(text)
    assert str(failure.value) == message


def texts() -> st.SearchStrategy[str]:
    numbers = st.from_regex(r"[+-]?[0-9]{1,6}(\.[0-9]{0,4})?", fullmatch=True)
    suffixes = st.sampled_from([*SUFFIXES, *BINARY, "e3", "E-2", "e+1"])
    return st.builds(str.__add__, numbers, suffixes)


@given(texts())
def test_canonical_text_means_the_same_and_is_final(text: str) -> None:
    assert parse(canonical(text)) == parse(text)
    assert canonical(canonical(text)) == canonical(text)


@given(st.integers(-(10**6), 10**6), st.sampled_from([*BINARY, *SUFFIXES]).filter(lambda s: s not in ("Pi", "Ei")))
def test_a_quantity_is_its_number_times_its_suffix(number: int, suffix: str) -> None:
    size = BINARY.get(suffix) or Fraction(str(SUFFIXES[suffix]))
    assert Fraction(parse(f"{number}{suffix}").nano, 10**9) == number * size


def test_values_round_up() -> None:
    assert (parse("1500m").value, parse("1500u").milli, parse("-1500m").value) == (2, 2, -1)


def test_arithmetic_keeps_the_format_of_the_left() -> None:
    assert str(parse("1Gi") + parse("1Gi")) == "2Gi"
    assert str(parse("1") - parse("100m")) == "900m"
    assert str(Quantity(0) + parse("1Gi")) == "1Gi"
    assert str(-parse("1")) == "-1"


def test_quantities_compare_by_value() -> None:
    assert parse("1Gi") == parse("1024Mi")
    assert parse("1000m") == parse("1") < parse("1001m")
    assert len({parse("1k"), parse("1000"), parse("1e3")}) == 1


def test_resource_lists_keep_thousandths() -> None:
    assert quantity.canonical_resource("100u") == "1m"
    assert quantity.canonical_resource("-100u") == "-1m"
    assert quantity.canonical_resource("1Gi") == "1Gi"
