"""Pods that wait for a node: the ready ones by priority, the refused ones until something happens that may help them.

ready     to be tried now; the highest priority first, then the longest waiting
refused   until a node would take it that has changed, or LONGEST_WAIT is over
woken     by such a change, but still backing off: 1 s after the first refusal, doubled each time up to 10 s; tried
          before that when nothing is ready (KEP-5142)
failed    backing off just so after an error, which trying sooner would not mend
trying    handed out by `get`, until it is said what became of them
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from knarr.machinery.clock import Clock
from knarr.runtime.backoff import exponential
from knarr.runtime.timers import Timers
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import PodInfo

Fits = Callable[[NodeInfo], bool]

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 10.0  # seconds
LONGEST_WAIT = 300.0  # seconds; then a refused Pod is tried again anyway, in case a change was missed


@dataclass(slots=True, eq=False)
class _Waiting:
    """A Pod in the queue: since when (its arrival or last refusal), how often refused, and which node may help it."""

    pod: PodInfo
    since: float
    order: int
    refusals: int = 0
    due: float = 0.0  # backing off until then
    fits: Fits | None = None  # whether a node would take it now, for refused ones
    missed: bool = False  # something happened while it was tried

    @property
    def rank(self) -> tuple[int, float, int]:
        return -self.pod.priority, self.since, self.order


class _Line:
    """Pods in the order of their rank, which each may leave early."""

    def __init__(self) -> None:
        self._heap: list[tuple[tuple[int, float, int], _Waiting]] = []  # those who left early are still in it
        self._members: dict[str, _Waiting] = {}

    def add(self, waiting: _Waiting) -> None:
        self._members[waiting.pod.uid] = waiting
        heapq.heappush(self._heap, (waiting.rank, waiting))

    def first(self) -> _Waiting | None:
        """Take out the first."""
        while self._heap:
            rank, waiting = heapq.heappop(self._heap)
            if self._members.get(waiting.pod.uid) is waiting and rank == waiting.rank:
                return self._members.pop(waiting.pod.uid)
        return None

    def pop(self, uid: str, default: None = None) -> _Waiting | None:
        return self._members.pop(uid, default)

    def __len__(self) -> int:
        return len(self._members)


class SchedulingQueue:
    """Hands out one Pod after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers = Timers(clock)
        self._order = count()
        self._ready, self._woken = _Line(), _Line()
        self._failed: dict[str, _Waiting] = {}
        self._refused: dict[str, _Waiting] = {}  # the longest waiting first
        self._trying: dict[str, _Waiting] = {}
        self._sweeping = False
        self._more = asyncio.Event()

    def put(self, pod: PodInfo) -> None:
        """A Pod that is new here, or has been changed so that it may fit now."""
        if trying := self._trying.get(pod.uid):
            trying.pod = pod
            trying.missed = True
            return
        waiting = self._take_out(pod.uid) or _Waiting(pod, self._clock.monotonic(), next(self._order))
        waiting.pod = pod
        self._wake(waiting)

    def remove(self, uid: str) -> None:
        """The Pod is gone, or has a node."""
        self._take_out(uid)
        self._trying.pop(uid, None)

    async def get(self) -> PodInfo:
        """The next Pod to try; to be followed by `placed`, `refused` or `failed`."""
        while True:
            if waiting := self._ready.first() or self._woken.first():
                self._trying[waiting.pod.uid] = waiting
                waiting.missed = False
                return waiting.pod
            self._more.clear()
            await self._more.wait()

    def placed(self, uid: str) -> None:
        """The Pod that was handed out has got a node."""
        self._trying.pop(uid, None)

    def refused(self, uid: str, fits: Fits) -> None:
        """It has not; try again once a changed node `fits`, or right away if something happened meanwhile."""
        waiting = self._back_off(uid)
        if waiting is None:
            return
        if waiting.missed:
            self._wake(waiting)
            return
        waiting.fits = fits
        self._refused[uid] = waiting
        self._sweep_later()

    def failed(self, uid: str) -> bool:
        """Something went wrong that is not the Pod's fault: try again after its back-off; whether it is still here."""
        waiting = self._back_off(uid)
        if waiting is None:
            return False
        self._failed[uid] = waiting
        self._ready_when_due(waiting, self._failed)
        return True

    def changed(self, node: NodeInfo) -> None:
        """A node is new, has changed or has more room: wake the refused Pods that it would take now."""
        for trying in self._trying.values():
            trying.missed = True
        for uid in [uid for uid, waiting in self._refused.items() if waiting.fits and waiting.fits(node)]:
            self._wake(self._refused.pop(uid))

    def close(self) -> None:
        self._timers.close()

    def __len__(self) -> int:
        return len(self._ready) + len(self._woken) + len(self._failed) + len(self._refused)

    def _back_off(self, uid: str) -> _Waiting | None:
        """End the attempt; the next one comes later."""
        if waiting := self._trying.pop(uid, None):
            waiting.since = self._clock.monotonic()
            waiting.due = waiting.since + exponential(FIRST_BACKOFF, LONGEST_BACKOFF, waiting.refusals)
            waiting.refusals += 1
        return waiting

    def _wake(self, waiting: _Waiting) -> None:
        if self._clock.monotonic() >= waiting.due:
            self._ready.add(waiting)
        else:
            self._woken.add(waiting)
            self._ready_when_due(waiting, self._woken)
        self._more.set()

    def _ready_when_due(self, waiting: _Waiting, place: _Line | dict[str, _Waiting]) -> None:
        uid, due = waiting.pod.uid, waiting.due

        def move() -> None:
            if waiting.due == due and (here := place.pop(uid, None)):
                self._wake(here)

        self._timers.after(due - self._clock.monotonic(), move)

    def _sweep_later(self) -> None:
        """One timer serves all refused Pods: they are in the order of their times."""
        if self._refused and not self._sweeping:
            self._sweeping = True
            oldest = next(iter(self._refused.values()))
            self._timers.after(oldest.since + LONGEST_WAIT - self._clock.monotonic(), self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        long_ago = self._clock.monotonic() - LONGEST_WAIT
        for uid in [uid for uid, one in self._refused.items() if one.since <= long_ago]:
            self._wake(self._refused.pop(uid))
        self._sweep_later()

    def _take_out(self, uid: str) -> _Waiting | None:
        for place in (self._ready, self._woken, self._failed, self._refused):
            if waiting := place.pop(uid, None):
                return waiting
        return None
