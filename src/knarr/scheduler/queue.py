"""Pods that wait for a node: the ready ones by priority, the refused ones until something happens that may help them.

active        to be tried now; the highest priority first, then the longest waiting
backing off   to be tried when their time comes: 1 s after the first refusal, doubled each time up to 10 s
refused       until an event that one of the refusing plugins waits for, or until LONGEST_WAIT is over
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from knarr.machinery.clock import Clock
from knarr.runtime.backoff import exponential
from knarr.runtime.timers import Timers
from knarr.scheduler.objects import Pod

NODE_ADDED, NODE_CHANGED, POD_GONE = "node added", "node changed", "pod gone"
EVENTS = frozenset((NODE_ADDED, NODE_CHANGED, POD_GONE))

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 10.0  # seconds
LONGEST_WAIT = 300.0  # seconds; then a refused Pod is tried again anyway, in case an event was misjudged


@dataclass(slots=True)
class Waiting:
    """A Pod in the queue: how often it was refused, and what may help it."""

    pod: Pod
    arrived: float
    refusals: int = 0
    wakes: frozenset[str] = EVENTS


class SchedulingQueue:
    """Hands out one Pod at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers = Timers(clock)
        self._active: list[tuple[int, float, str]] = []  # heap; entries whose Pod is not in _ready are stale
        self._ready: dict[str, Waiting] = {}
        self._backing_off: dict[str, Waiting] = {}
        self._refused: dict[str, Waiting] = {}
        self._trying: dict[str, Waiting] = {}
        self._happened: set[str] = set()  # events since the Pod being tried was taken out
        self._more = asyncio.Event()

    def put(self, pod: Pod) -> None:
        """A new or changed Pod that has no node: try it as soon as it is its turn."""
        uid = pod.metadata.uid
        if uid in self._trying:
            self._trying[uid].pod = pod
            self._happened.update(EVENTS)
            return
        waiting = self._take_out(uid) or Waiting(pod, self._clock.monotonic())
        waiting.pod = pod
        self._activate(waiting)

    def remove(self, pod: Pod) -> None:
        """The Pod is gone, or has a node."""
        self._take_out(pod.metadata.uid)
        self._trying.pop(pod.metadata.uid, None)

    async def get(self) -> Pod:
        """The next Pod to try; to be followed by `placed` or `refused`."""
        while True:
            while self._active:
                _, _, uid = heapq.heappop(self._active)
                if waiting := self._ready.pop(uid, None):
                    self._trying[uid] = waiting
                    self._happened.clear()
                    return waiting.pod
            self._more.clear()
            await self._more.wait()

    def placed(self, pod: Pod) -> None:
        """The Pod that was handed out has got a node."""
        self._trying.pop(pod.metadata.uid, None)

    def refused(self, pod: Pod, wakes: Iterable[str]) -> None:
        """It has not; try again once one of the events `wakes` has happened, or one of them did meanwhile."""
        waiting = self._trying.pop(pod.metadata.uid, None)
        if waiting is None:
            return
        waiting.refusals += 1
        waiting.wakes = frozenset(wakes)
        if self._happened & waiting.wakes:
            self._back_off(waiting)
            return
        uid = pod.metadata.uid
        self._refused[uid] = waiting
        self._timers.after(LONGEST_WAIT, lambda: self._move(uid, self._refused, self._activate))

    def retry(self, pod: Pod) -> None:
        """Something went wrong that is not the Pod's fault: try again after its back-off."""
        if waiting := self._trying.pop(pod.metadata.uid, None):
            waiting.refusals += 1
            self._back_off(waiting)

    def happened(self, event: str) -> None:
        """Something in the cluster has changed that may make refused Pods fit."""
        self._happened.add(event)
        for uid in [uid for uid, waiting in self._refused.items() if event in waiting.wakes]:
            self._move(uid, self._refused, self._back_off)

    def close(self) -> None:
        self._timers.close()

    def __len__(self) -> int:
        return len(self._ready) + len(self._backing_off) + len(self._refused)

    def _back_off(self, waiting: Waiting) -> None:
        uid = waiting.pod.metadata.uid
        self._backing_off[uid] = waiting
        seconds = exponential(FIRST_BACKOFF, LONGEST_BACKOFF, waiting.refusals - 1)
        self._timers.after(seconds, lambda: self._move(uid, self._backing_off, self._activate))

    def _activate(self, waiting: Waiting) -> None:
        uid = waiting.pod.metadata.uid
        self._ready[uid] = waiting
        heapq.heappush(self._active, (-waiting.pod.priority, waiting.arrived, uid))
        self._more.set()

    def _move(self, uid: str, source: dict[str, Waiting], onward: Callable[[Waiting], None]) -> None:
        if waiting := source.pop(uid, None):
            onward(waiting)

    def _take_out(self, uid: str) -> Waiting | None:
        for place in (self._ready, self._backing_off, self._refused):
            if waiting := place.pop(uid, None):
                return waiting
        return None
