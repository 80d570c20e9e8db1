"""Figures that a part tells of itself: counted where things happen, shown in Prometheus' text form, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import inf
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A metric: its samples differ in the values of `labels`; `bounds` are a histogram's, in seconds or bytes."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


class Spread:
    """How values are distributed over a histogram's bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def __add__(self, other: Spread) -> Spread:
        """Both together; their bounds are the same."""
        total = Spread(self.bounds)
        total.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        total.sum = self.sum + other.sum
        return total


class Count:
    """A sum, shared with whoever adds to it."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0.0


Sample = tuple[tuple[str, ...], float | Count | Spread]
Reading = Callable[[], Iterable[Sample]]


class Figures:
    """All that a process tells of itself."""

    def __init__(self) -> None:
        self._counts: dict[Family, dict[tuple[str, ...], Count]] = {}
        self._spreads: dict[Family, dict[tuple[str, ...], Spread]] = {}
        self._read: dict[Family, Reading] = {}
        self._others: list[Figures] = []

    def count(self, family: Family, labels: tuple[str, ...] = ()) -> Count:
        """The sum with these labels, to add to."""
        return self._counts.setdefault(family, {}).setdefault(labels, Count())

    def spread(self, family: Family, labels: tuple[str, ...] = ()) -> Spread:
        """The distribution with these labels, to observe values in."""
        spreads = self._spreads.setdefault(family, {})
        return spreads.get(labels) or spreads.setdefault(labels, Spread(family.bounds))

    def ask(self, family: Family, read: Reading) -> None:
        """Have a family's samples read whenever somebody wants to see them; who said so last is asked."""
        self._read[family] = read

    def include(self, others: Figures) -> None:
        """Show these too, which somebody else counts."""
        self._others.append(others)

    def render(self) -> bytes:
        """Everything, in Prometheus' text form."""
        return rendered(self.lines())

    def lines(self) -> Iterator[str]:
        """Family by family; counting may go on in between."""
        for family, counts in [*self._counts.items()]:
            yield from lines(family, [*counts.items()])
        for family, spreads in [*self._spreads.items()]:
            yield from lines(family, [*spreads.items()])
        for family, read in [*self._read.items()]:
            yield from lines(family, [*read()])
        for others in self._others:
            yield from others.lines()


def rendered(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def lines(family: Family, samples: Iterable[Sample]) -> Iterator[str]:
    """What a family is, and its samples, those of a histogram as one piece; nothing where there are none."""
    headed = False
    for values, figure in samples:
        if not headed:
            yield f"# HELP {family.name} {family.help}"
            yield f"# TYPE {family.name} {family.type}"
            headed = True
        pairs = zip(family.labels, values, strict=True)
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
        if isinstance(figure, Spread):
            yield _histogram(family.name, labels, figure)
            continue
        number = _number(figure.n if isinstance(figure, Count) else figure)
        yield f"{family.name}{{{labels}}} {number}" if labels else f"{family.name} {number}"


def _histogram(name: str, labels: str, spread: Spread) -> str:
    before, braced = (f"{labels},", f"{{{labels}}}") if labels else ("", "")
    start = f'{name}_bucket{{{before}le="'
    totals = [*accumulate(spread.counts)]
    buckets = [f"{start}{bound}{total}" for bound, total in zip(_bounds(spread.bounds), totals, strict=True)]
    return "\n".join([*buckets, f"{name}_sum{braced} {_number(spread.sum)}", f"{name}_count{braced} {totals[-1]}"])


@lru_cache(maxsize=64)
def _bounds(bounds: tuple[float, ...]) -> tuple[str, ...]:
    """What follows `le="` of each bucket."""
    return tuple(f'{bound}"}} ' for bound in (*map(_number, bounds), "+Inf"))


def _escaped(value: str) -> str:
    """A label's value as Prometheus reads it between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == inf:
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.9g}"
