"""Time, injected: a component never calls `time.time()` or `asyncio.sleep()` itself.

Wall time stamps objects, monotonic time measures and schedules; both may be virtual in a test. Deadlines of real I/O
(socket timeouts) are not the clock's business: they stay real.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a component learns the time and waits."""

    def now(self) -> datetime:
        """Wall time, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of monotonic time."""


async def at_most(clock: Clock, seconds: float, awaited: Awaitable[object]) -> None:
    """Wait for `awaited`, but no longer than so many seconds of the clock; what is not done by then is cancelled.

    For waits that a test's clock must be able to end; asyncio.timeout knows real time alone.
    """
    waits = [asyncio.ensure_future(awaited), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """A test's clock: it stands still until told to advance; then it wakes who has slept enough, in order."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), woken))
        await woken

    @property
    def next_wake(self) -> float | None:
        """Seconds until the first sleeper's time, None when nobody sleeps."""
        self._forget_cancelled()
        return self._sleepers[0][0] - self._elapsed if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let so much time pass; each woken sleeper runs, at its own time, before the next one is woken."""
        await _let_others_run()
        end = self._elapsed + seconds
        while (wait := self.next_wake) is not None and self._elapsed + wait <= end:
            self._elapsed, _, sleeper = heapq.heappop(self._sleepers)
            sleeper.set_result(None)
            await _let_others_run()
        self._elapsed = end
        await _let_others_run()

    def _forget_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


async def _let_others_run() -> None:
    """A few turns of the loop: enough for a woken task to go to sleep again."""
    for _ in range(10):
        await asyncio.sleep(0)
