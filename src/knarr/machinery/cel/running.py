"""What all closures of an expression share: their frame, and what they do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knarr.machinery.cel.errors import CelError, CostError, no_such_overload

Frame = list[Any]  # what may still be spent, the variables, what may still be spent on priced calls
Code = Callable[[Frame], Any]


def spend(frame: Frame, cost: int) -> None:
    """Raises CostError when nothing is left."""
    frame[0] -= cost
    if frame[0] < 0:
        raise CostError


def pay(frame: Frame, price: int) -> None:
    """The same for a call whose price says nothing about the time that it takes. Raises CostError."""
    frame[-1] -= price
    if frame[-1] < 0:
        raise CostError


def truth(value: Any) -> bool:
    """A value as the condition that it must be. Raises CelError."""
    if value is True or value is False:
        return bool(value)
    raise no_such_overload()


def insert(into: dict[Any, Any], key: Any, value: Any) -> None:
    """Add a map's entry. Raises CelError for a key that is there, or can be none."""
    if not isinstance(key, str | int | bool):
        raise CelError("unsupported key type")
    if key in into:
        raise CelError(f"insert failed: key {key} already exists")
    into[key] = value
