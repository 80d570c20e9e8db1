"""Kubernetes' quantity library. https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from knarr.machinery import quantity
from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import overload
from knarr.machinery.cel.libraries import costs
from knarr.machinery.cel.values import LARGEST_INT, SMALLEST_INT

_NANO = 10**9


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A quantity as expressions see it."""

    cel_type: ClassVar[str] = "kubernetes.Quantity"
    quantity: quantity.Quantity

    @property
    def nano(self) -> int:
        return self.quantity.nano


def _parse(text: str) -> Amount:
    try:
        return Amount(quantity.parse(text))
    except quantity.QuantityError as error:
        raise CelError(str(error)) from None


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except quantity.QuantityError:
        return False
    return True


def _is_integer(amount: Amount) -> bool:
    return not amount.nano % _NANO and SMALLEST_INT <= amount.nano // _NANO <= LARGEST_INT


def _as_integer(amount: Amount) -> int:
    if not _is_integer(amount):
        raise CelError("cannot convert value to integer")
    return amount.nano // _NANO


def _sign(amount: Amount) -> int:
    return (amount.nano > 0) - (amount.nano < 0)


def _added(amount: Amount, other: Amount | int) -> Amount:
    return Amount(amount.quantity + _quantity(other))


def _less(amount: Amount, other: Amount | int) -> Amount:
    return Amount(amount.quantity - _quantity(other))


def _quantity(value: Amount | int) -> quantity.Quantity:
    return value.quantity if isinstance(value, Amount) else quantity.Quantity(value * _NANO)


def _compare(amount: Amount, other: Amount) -> int:
    return (amount.nano > other.nano) - (amount.nano < other.nano)


_Q = "kubernetes.Quantity"
OVERLOADS = (
    overload(f"quantity(string) -> {_Q}", _parse, costs.traverse()),
    overload("isQuantity(string) -> bool", _is_quantity, costs.traverse()),
    overload(f"{_Q}.isInteger() -> bool", _is_integer),
    overload(f"{_Q}.asInteger() -> int", _as_integer),
    overload(f"{_Q}.asApproximateFloat() -> double", lambda amount: amount.nano / _NANO),
    overload(f"{_Q}.sign() -> int", _sign),
    overload(f"{_Q}.add({_Q}) -> {_Q}", _added),
    overload(f"{_Q}.add(int) -> {_Q}", _added),
    overload(f"{_Q}.sub({_Q}) -> {_Q}", _less),
    overload(f"{_Q}.sub(int) -> {_Q}", _less),
    overload(f"{_Q}.isLessThan({_Q}) -> bool", lambda one, other: one.nano < other.nano),
    overload(f"{_Q}.isGreaterThan({_Q}) -> bool", lambda one, other: one.nano > other.nano),
    overload(f"{_Q}.compareTo({_Q}) -> int", _compare),
)
