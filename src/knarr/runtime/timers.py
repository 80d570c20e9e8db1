"""Calls at a later time: one sleeping task for any number of them, none when there is nothing to wait for."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable
from itertools import count

from knarr.machinery.clock import Clock

log = logging.getLogger(__name__)


class Timer:
    """A call that is due at a time of the clock's monotonic reading; cancelling it is cheap."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """Calls in the order of their times, and of asking where these are equal, on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._task: asyncio.Task[None] | None = None

    def now(self) -> float:
        """The clock's monotonic seconds."""
        return self._clock.monotonic()

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once so many seconds have passed."""
        timer = Timer(self._clock.monotonic() + seconds, callback)
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))
        if self._heap[0][2] is timer:
            self._restart()
        return timer

    def close(self) -> None:
        """Forget everything that is due."""
        self._heap.clear()
        if self._task:
            self._task.cancel()

    def _restart(self) -> None:
        if self._task:
            if self._task is asyncio.current_task():
                return  # called back by the task itself, which looks again anyway
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="timers")

    async def _run(self) -> None:
        while self._heap:
            wait = self._heap[0][0] - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            _call(heapq.heappop(self._heap)[2])
        self._task = None


def _call(timer: Timer) -> None:
    """What a callback raises is a fault of its own, and none that the other timers should suffer from."""
    try:
        if timer.callback:
            timer.callback()
    except Exception:
        log.exception("what was due failed")
