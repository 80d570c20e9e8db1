"""The work queue of a control loop.

    fair         keys come out in the order in which they came in
    stingy       a key that waits is not added twice, and is never worked on by two workers at once
    re-entrant   a key added while it is worked on comes again when that is done
    patient      `add_after` and `retry` add later; of several waits for one key the shortest counts

Retries wait 5 ms, 10 ms, ... 1000 s: upstream's item exponential failure rate limiter. Its `figures` tell how it does.
"""

from __future__ import annotations

import asyncio
from collections import deque

from knarr.machinery.clock import Clock
from knarr.runtime.backoff import exponential
from knarr.runtime.figures import QueueFigures
from knarr.runtime.quiescence import Quiescence
from knarr.runtime.timers import Timers

BASE_DELAY, MAX_DELAY = 0.005, 1000.0  # seconds


class WorkQueue:
    """Keys to work on: `key = await get()`, work, then `done(key)`."""

    def __init__(self, clock: Clock, quiescence: Quiescence | None = None) -> None:
        self._timers = Timers(clock)
        self._clock = clock
        self._quiescence = quiescence or Quiescence()
        self._order: deque[str] = deque()
        self.figures = QueueFigures(clock)
        self._dirty: set[str] = set()  # to be worked on: in order, or again after the worker that has it
        self._waiting: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._order)

    def add(self, key: str) -> None:
        """Have the key worked on."""
        self._waiting.pop(key, None)
        if key in self._dirty:
            return
        self._dirty.add(key)
        self._quiescence.begin()
        self.figures.added(key)
        if key not in self.figures.processing:
            self._append(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Add the key in so many seconds, unless it is due sooner."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._waiting.get(key)
        if due is not None and due <= self._clock.monotonic() + seconds:
            return
        self._waiting[key] = self._clock.monotonic() + seconds  # set first: the timer may be due at once
        self._waiting[key] = self._timers.after(seconds, lambda: self._due(key)).due

    def retry(self, key: str) -> float:
        """Add the key after a wait that grows with its failures in a row; returns the wait."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.figures.retries += 1
        seconds = exponential(BASE_DELAY, MAX_DELAY, failures)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: str) -> None:
        """The key has succeeded: its next failure is a first one."""
        self._failures.pop(key, None)

    def failures(self, key: str) -> int:
        """How often the key has failed in a row."""
        return self._failures.get(key, 0)

    async def get(self) -> str:
        """The next key, which is the caller's until `done`."""
        while not self._order:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                self._pass_on(getter)
                raise
        key = self._order.popleft()
        self._dirty.discard(key)
        self.figures.taken(key)
        return key

    def done(self, key: str) -> None:
        """The work on the key is over, well or not."""
        self.figures.done(key)
        self._quiescence.end()
        if key in self._dirty:
            self._append(key)

    def close(self) -> None:
        """Drop the waits."""
        self._timers.close()

    def _append(self, key: str) -> None:
        self._order.append(key)
        self._wake()

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _pass_on(self, getter: asyncio.Future[None]) -> None:
        """A cancelled worker that had been woken hands the wake-up to the next, so that no key is left lying."""
        if getter.done() and not getter.cancelled() and self._order:
            self._wake()

    def _due(self, key: str) -> None:
        due = self._waiting.get(key)
        if due is not None and due <= self._clock.monotonic():
            self.add(key)
