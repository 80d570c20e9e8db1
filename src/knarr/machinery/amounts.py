"""Named quantities: resource lists (`{"cpu": "100m", "memory": "1Gi"}`) as exact numbers, and their arithmetic.

No function changes its arguments.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from knarr.machinery.quantity import Quantity, parse

Amounts = dict[str, Quantity]

ZERO = Quantity(0)


def amounts_of(texts: Mapping[str, str] | None) -> Amounts:
    """A resource list, parsed; nothing is an empty one. Raises QuantityError."""
    return {name: parse(text) for name, text in texts.items()} if texts else {}


def texts_of(amounts: Mapping[str, Quantity]) -> dict[str, str]:
    """The resource list that says so, sorted."""
    return {name: str(amounts[name]) for name in sorted(amounts)}


def total(one: Amounts, other: Amounts) -> Amounts:
    return {**one, **{name: one.get(name, ZERO) + amount for name, amount in other.items()}}


def difference(one: Amounts, other: Amounts) -> Amounts:
    """What `one` has more than `other`; negative where it has less."""
    return {**one, **{name: one.get(name, ZERO) - amount for name, amount in other.items()}}


def largest(one: Amounts, other: Amounts) -> Amounts:
    """Of each the greater."""
    return {**one, **{name: max(one.get(name, amount), amount) for name, amount in other.items()}}


def only(amounts: Amounts, names: Container[str]) -> Amounts:
    return {name: amount for name, amount in amounts.items() if name in names}


def listed(amounts: Amounts) -> str:
    """`cpu=1,memory=1Gi`, sorted, as upstream's messages list them."""
    return ",".join(f"{name}={text}" for name, text in texts_of(amounts).items())
