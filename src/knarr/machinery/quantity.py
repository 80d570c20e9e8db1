"""Quantities: exact numbers with a decimal (`100m`, `2k`), binary (`64Mi`) or exponent (`1e3`) suffix.

A quantity is a whole number of billionths; what is finer is rounded away from zero. Source: the API
reference's "Quantity" (k8s.io/apimachinery, pkg/api/resource).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

_NANO = 10**9
_MOST_DIGITS = 4000  # that Python reads as a number
_MILLION = 10**6
_LARGEST_BINARY = (2**63 - 1) * _NANO
_SYNTAX = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]{1,3})")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


class QuantityError(ValueError):
    """Text that is no quantity, in upstream's words."""


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An exact amount; equal and ordered by value. `format` is how it likes to be written."""

    nano: int
    format: Format = field(default="DecimalSI", compare=False)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano - other.nano, self.format if self.nano else other.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nano, self.format)

    @property
    def value(self) -> int:
        """Whole units, rounded up: bytes of memory, whole CPUs."""
        return -(-self.nano // _NANO)

    @property
    def milli(self) -> int:
        """Thousandths, rounded up: CPU as the scheduler counts it."""
        return -(-self.nano // _MILLION)

    def __str__(self) -> str:
        """The canonical text: no fraction, the largest suffix that loses nothing."""
        if self.format == "BinarySI" and abs(self.nano) >= 1024 * _NANO and not self.nano % _NANO:
            return _binary_text(self.nano // _NANO)
        return _decimal_text(self.nano, exponential=self.format == "DecimalExponent")


def _binary_text(number: int) -> str:
    for suffix, bits in reversed(_BINARY.items()):
        if not number % (1 << bits):
            return f"{number >> bits}{suffix}"
    return str(number)


def _decimal_text(nano: int, *, exponential: bool) -> str:
    if not nano:
        return "0"
    exponent = -9
    while not nano % 1000 and (exponential or exponent < _DECIMAL["E"]):
        nano, exponent = nano // 1000, exponent + 3
    if exponential:
        return f"{nano}e{exponent}" if exponent else str(nano)
    return f"{nano}{_DECIMAL_SUFFIX[exponent]}"


def from_milli(milli: int, form: Format = "DecimalSI") -> Quantity:
    return Quantity(milli * _MILLION, form)


def round_up_to_milli(quantity: Quantity) -> Quantity:
    """Away from zero to the next thousandth: the precision that resource lists keep."""
    milli = -(-abs(quantity.nano) // _MILLION)
    return from_milli(milli if quantity.nano >= 0 else -milli, quantity.format)


@lru_cache(maxsize=4096)
def parse(text: str | float) -> Quantity:
    """The quantity that the text (or JSON number) means. Raises QuantityError."""
    match = _SYNTAX.fullmatch(str(text))
    if not match:
        raise QuantityError(f"quantities must match the regular expression '^{_SYNTAX.pattern}$'")
    number, suffix = match.groups()
    if not _NUMBER.fullmatch(number) or len(number) > _MOST_DIGITS:
        raise QuantityError("unable to parse numeric part of quantity")
    whole, _, fraction = number.partition(".")
    base, exponent, form = _scale(suffix)
    power = 9 - len(fraction) + (exponent if base == 10 else 0)
    digits = int(whole + fraction or 0) * (1 if base == 10 else 1 << exponent)
    return _rounded(digits * 10 ** max(power, 0), 10 ** max(-power, 0), form)


def _scale(suffix: str) -> tuple[int, int, Format]:
    """The suffix as a power: base and exponent."""
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], "DecimalSI"
    if suffix in _BINARY:
        return 2, _BINARY[suffix], "BinarySI"
    exponent = _EXPONENT.fullmatch(suffix)
    if not exponent:
        raise QuantityError("unable to parse quantity's suffix")
    return 10, int(exponent[1]), "DecimalExponent"


def _rounded(numerator: int, denominator: int, form: Format) -> Quantity:
    """So many billionths, away from zero."""
    size = -(-abs(numerator) // denominator)
    if form == "BinarySI":
        size = min(size, _LARGEST_BINARY)
        form = "DecimalSI" if 0 < size < _NANO else form
    return Quantity(size if numerator >= 0 else -size, form)


@lru_cache(maxsize=4096)
def canonical(text: str | float) -> str:
    """The canonical text of a quantity: `1000m` is `1`, `0.5` is `500m`, `1.5Gi` is `1536Mi`. Raises QuantityError."""
    return str(parse(text))


@lru_cache(maxsize=4096)
def canonical_resource(text: str | float) -> str:
    """The same for an entry of a resource list, which keeps thousandths only. Raises QuantityError."""
    return str(round_up_to_milli(parse(text)))
