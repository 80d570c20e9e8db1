"""Amounts of a rolling update: a number of Pods, or a percentage of them."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import percent


def validate_amount(path: str, amount: int | str | None) -> Iterable[FieldError]:
    """A non-negative number or a percentage."""
    if isinstance(amount, str):
        yield from (invalid(path, amount, message) for message in percent(amount))
    elif amount is not None and amount < 0:
        yield invalid(path, amount, "must be greater than or equal to 0")


def validate_share(path: str, amount: int | str | None) -> Iterable[FieldError]:
    """An amount that is a part of the whole."""
    yield from validate_amount(path, amount)
    if isinstance(amount, str) and not percent(amount) and int(amount[:-1]) > 100:
        yield invalid(path, amount, "must not be greater than 100%")


def validate_rolling_update(rolling: JSON, path: str) -> Iterable[FieldError]:
    """Something must be able to move: not both amounts are zero."""
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from validate_share(f"{path}.maxUnavailable", unavailable)
    yield from validate_amount(f"{path}.maxSurge", surge)
    if unavailable in (0, "0%") and surge in (0, "0%"):
        yield invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
