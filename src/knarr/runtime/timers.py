"""Calls at a later time: one sleeping task for any number of them, none when there is nothing to wait for."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from knarr.machinery.clock import Clock


class Timers:
    """Callbacks at times of the clock's monotonic reading; order of equal times is that of asking."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = count()
        self._sleeper: asyncio.Task[None] | None = None

    def after(self, seconds: float, callback: Callable[[], None]) -> float:
        """Call back in so many seconds; returns when that is."""
        when = self._clock.monotonic() + seconds
        heapq.heappush(self._due, (when, next(self._sequence), callback))
        if self._due[0][0] == when:
            self._wake_first()
        return when

    def close(self) -> None:
        """Forget everything that is due."""
        self._due.clear()
        if self._sleeper:
            self._sleeper.cancel()

    def _wake_first(self) -> None:
        if self._sleeper and self._sleeper is not asyncio.current_task():
            self._sleeper.cancel()
        self._sleeper = asyncio.get_running_loop().create_task(self._sleep())

    async def _sleep(self) -> None:
        while self._due and self._sleeper is asyncio.current_task():
            wait = self._due[0][0] - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            _, _, callback = heapq.heappop(self._due)
            callback()
