"""How many seats each priority level has: its nominal share, and what levels lend each other when they do not need it.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#seats-borrowing ; a demand that falls is
forgotten slowly, as upstream smooths it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from knarr.apiserver.flowcontrol.configuration import Level

PERIOD = 10.0  # seconds between two divisions
SMOOTHING = 0.977  # of a demand that was higher, kept each period
_LITTLE = 0.01  # seats, wanted by who wants nothing
_ROUNDS = 60  # of halving: more than the precision of a float


@dataclass(frozen=True, slots=True)
class Bounds:
    """The seats of a level: by its shares, and the least and the most that lending leaves it."""

    nominal: int
    lower: int
    upper: float


def bounds_of(levels: Iterable[Level], total: int) -> dict[str, Bounds]:
    """The bounds of each level, by its name, where the server has `total` seats."""
    levels = list(levels)
    shares = sum(level.shares for level in levels) or 1
    return {level.name: _bounds(level, ceil(total * level.shares / shares), total) for level in levels}


def _bounds(level: Level, nominal: int, total: int) -> Bounds:
    lent = round(nominal * level.lendable / 100)
    upper = total if level.borrowable is inf else nominal + round(nominal * level.borrowable / 100)
    return Bounds(nominal, nominal - lent, upper)


def smoothed(before: float, peak: int) -> float:
    """What a level is taken to want, after a period in which it wanted this at most."""
    return max(float(peak), SMOOTHING * before + (1 - SMOOTHING) * peak)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a level has a right to at any rate, what it wants, and what it may have at most."""

    least: float
    wanted: float
    most: float


def claim_of(bounds: Bounds, peak: int, wanted: float) -> Claim:
    least = max(bounds.lower, min(bounds.nominal, peak))
    return Claim(least, max(wanted, bounds.lower, _LITTLE), max(bounds.upper, least))


def divide(claims: Sequence[Claim], total: float) -> list[float]:
    """Seats for each, in proportion to what is wanted as far as the bounds allow; together `total`, if they allow it.

    Who has a right to more than there is gets it nevertheless: nominal shares are rounded up.
    """
    if sum(claim.least for claim in claims) >= total:
        return [claim.least for claim in claims]
    low, high = 0.0, max((claim.most / claim.wanted for claim in claims), default=0.0)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if sum(_within(claim, middle) for claim in claims) > total:
            high = middle
        else:
            low = middle
    return [_within(claim, low) for claim in claims]


def _within(claim: Claim, fraction: float) -> float:
    return min(claim.most, max(claim.least, fraction * claim.wanted))


def whole(seats: Mapping[str, float]) -> dict[str, int]:
    """Seats are not divided; everybody has one."""
    return {name: max(1, round(number)) for name, number in seats.items()}
