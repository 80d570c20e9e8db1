"""How work queues do, under the names that upstream's controllers tell it by.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from knarr.machinery.clock import Clock
from knarr.machinery.figures import Family, Figures, Spread

_NAME = ("name",)
_SECONDS = tuple(10.0**exponent for exponent in range(-8, 2))

DEPTH = Family("workqueue_depth", "gauge", "Current depth of workqueue", _NAME)
ADDS = Family("workqueue_adds_total", "counter", "Total number of adds handled by workqueue", _NAME)
RETRIES = Family("workqueue_retries_total", "counter", "Total number of retries handled by workqueue", _NAME)
WAITED = Family(
    "workqueue_queue_duration_seconds",
    "histogram",
    "How long in seconds an item stays in workqueue before being requested.",
    _NAME,
    _SECONDS,
)
WORKED = Family(
    "workqueue_work_duration_seconds",
    "histogram",
    "How long in seconds processing an item from workqueue takes.",
    _NAME,
    _SECONDS,
)
UNFINISHED = Family(
    "workqueue_unfinished_work_seconds",
    "gauge",
    "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values "
    "indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
    _NAME,
)
LONGEST = Family(
    "workqueue_longest_running_processor_seconds",
    "gauge",
    "How many seconds has the longest running processor for workqueue been running.",
    _NAME,
)


class QueueFigures:
    """Of one queue: when its keys came, when work on them began, and how long both took."""

    __slots__ = ("_came", "_clock", "adds", "processing", "retries", "waited", "worked")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._came: dict[str, float] = {}
        self.processing: dict[str, float] = {}  # the keys that are worked on, and since when
        self.adds = self.retries = 0
        self.waited, self.worked = Spread(_SECONDS), Spread(_SECONDS)

    def added(self, key: str) -> None:
        self.adds += 1
        self._came[key] = self._clock.monotonic()

    def taken(self, key: str) -> None:
        now = self.processing[key] = self._clock.monotonic()
        self.waited.observe(now - self._came.pop(key))

    def done(self, key: str) -> None:
        self.worked.observe(self._clock.monotonic() - self.processing.pop(key))

    def unfinished(self) -> list[float]:
        """For how many seconds each piece of work under way has been going on."""
        now = self._clock.monotonic()
        return [now - begun for begun in self.processing.values()]


class Queue(Protocol):
    """What is told of."""

    figures: QueueFigures

    def __len__(self) -> int: ...


def tell_of_queues(figures: Figures, queues: Mapping[str, Queue]) -> None:
    """Have it read when somebody looks; `queues` by the names of who works on them."""

    def tell(family: Family, read: Callable[[Queue], float | Spread]) -> None:
        figures.ask(family, lambda: (((name,), read(queue)) for name, queue in queues.items()))

    tell(DEPTH, len)
    tell(ADDS, lambda queue: queue.figures.adds)
    tell(RETRIES, lambda queue: queue.figures.retries)
    tell(WAITED, lambda queue: queue.figures.waited)
    tell(WORKED, lambda queue: queue.figures.worked)
    tell(UNFINISHED, lambda queue: sum(queue.figures.unfinished()))
    tell(LONGEST, lambda queue: max(queue.figures.unfinished(), default=0.0))
