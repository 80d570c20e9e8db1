"""What is counted of each flow schema's requests, and shown under upstream's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.families import (
    FLOW_DISPATCHED,
    FLOW_EXECUTING,
    FLOW_EXECUTING_SECONDS,
    FLOW_LEVEL_SEATS,
    FLOW_LIMITS,
    FLOW_REJECTED,
    FLOW_WAITING,
    FLOW_WAITING_SECONDS,
)
from knarr.machinery.figures import Sample, Spread


class Figures:
    """Of one schema at one level."""

    __slots__ = ("cancelled", "dispatched", "rejected", "running", "seconds", "waited", "waiting")

    def __init__(self) -> None:
        self.dispatched = 0
        self.cancelled = 0  # while they waited
        self.running = 0
        self.waiting = 0
        self.rejected: dict[str, int] = {}  # by reason
        self.waited = Spread(FLOW_WAITING_SECONDS.bounds)
        self.seconds = Spread(FLOW_EXECUTING_SECONDS.bounds)


_BySchema = Mapping[tuple[str, str], Figures]  # schema and level
_Seats = Callable[[], Mapping[str, tuple[float, float, float, float, float]]]


def tell(metrics: Metrics, figures: _BySchema, seats: _Seats) -> None:
    """Have it read when somebody looks. `seats`, by level: nominal, lower, upper and current limit, and taken ones."""

    def each(read: Callable[[Figures], float | Spread]) -> Callable[[], Iterator[Sample]]:
        return lambda: (((schema, level), read(found)) for (schema, level), found in figures.items())

    def rejected() -> Iterator[Sample]:
        for names, found in figures.items():
            yield from (((*names, reason), count) for reason, count in found.rejected.items())

    def limit(index: int) -> Callable[[], Iterator[Sample]]:
        return lambda: (((level,), numbers[index]) for level, numbers in seats().items())

    metrics.ask(FLOW_DISPATCHED, each(lambda found: found.dispatched))
    metrics.ask(FLOW_REJECTED, rejected)
    metrics.ask(FLOW_EXECUTING, each(lambda found: found.running))
    metrics.ask(FLOW_WAITING, each(lambda found: found.waiting))
    metrics.ask(FLOW_WAITING_SECONDS, each(lambda found: found.waited))
    metrics.ask(FLOW_EXECUTING_SECONDS, each(lambda found: found.seconds))
    for index, family in enumerate(FLOW_LIMITS):
        metrics.ask(family, limit(index))
    metrics.ask(FLOW_LEVEL_SEATS, limit(len(FLOW_LIMITS)))
