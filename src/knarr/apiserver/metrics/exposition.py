"""Prometheus' text form, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from knarr.apiserver.metrics.families import Family
from knarr.runtime.counters import escape_label

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Spread:
    """How values are distributed over a histogram's bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Count:
    """A sum, shared with whoever adds to it."""

    __slots__ = ("n",)

    def __init__(self) -> None:
        self.n = 0.0


Sample = tuple[tuple[str, ...], float | Count | Spread]


def lines(family: Family, samples: Iterable[Sample]) -> Iterator[str]:
    """A family's lines: what it is, and its samples; nothing where there are none."""
    headed = False
    for values, figure in samples:
        if not headed:
            yield f"# HELP {family.name} {family.help}"
            yield f"# TYPE {family.name} {family.type}"
            headed = True
        pairs = zip(family.labels, values, strict=True)
        labels = ",".join(f'{name}="{escape_label(value)}"' for name, value in pairs)
        if isinstance(figure, Spread):
            yield from _histogram(family.name, labels, figure)
            continue
        number = _number(figure.n if isinstance(figure, Count) else figure)
        yield f"{family.name}{{{labels}}} {number}" if labels else f"{family.name} {number}"


def _histogram(name: str, labels: str, spread: Spread) -> Iterator[str]:
    total, before = 0, f"{labels}," if labels else ""
    for bound, count in zip((*map(_number, spread.bounds), "+Inf"), spread.counts, strict=True):
        total += count
        yield f'{name}_bucket{{{before}le="{bound}"}} {total}'
    braced = f"{{{labels}}}" if labels else ""
    yield f"{name}_sum{braced} {_number(spread.sum)}"
    yield f"{name}_count{braced} {total}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.9g}"
