"""Callbacks at points of monotonic time: one task for all of them, and none while there are none."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from knarr.machinery.clock import Clock


class Deadline:
    """A callback that is due; cancelling it is cheap."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Deadlines:
    """See the module's docstring. Callbacks run on the event loop and must not raise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Deadline]] = []
        self._order = count()
        self._task: asyncio.Task[None] | None = None

    def now(self) -> float:
        """The clock's monotonic seconds."""
        return self._clock.monotonic()

    def after(self, seconds: float, callback: Callable[[], None]) -> Deadline:
        """Call back once so many seconds have passed."""
        deadline = Deadline(self._clock.monotonic() + seconds, callback)
        heapq.heappush(self._heap, (deadline.due, next(self._order), deadline))
        if self._heap[0][2] is deadline:
            self._restart()
        return deadline

    def close(self) -> None:
        self._heap.clear()
        if self._task:
            self._task.cancel()

    def _restart(self) -> None:
        if self._task:
            if self._task is asyncio.current_task():
                return  # called back by the task itself, which looks again anyway
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="deadlines")

    async def _run(self) -> None:
        while self._heap:
            wait = self._heap[0][0] - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            deadline = heapq.heappop(self._heap)[2]
            if callback := deadline.callback:
                callback()
        self._task = None
