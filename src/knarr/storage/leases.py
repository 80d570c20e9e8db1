"""Keys that end by themselves: deletes each at its time, unless it has been written again since.

What is stored is wall time, as it outlives the process; while that runs, its monotonic clock counts, so that nothing
ends early or late because somebody sets the machine's clock.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from math import ceil

from knarr.machinery.clock import Clock
from knarr.storage.store import ConflictError, UnavailableError, Write

RETRY_SECONDS = 5

Commit = Callable[[Sequence[Write]], Awaitable[int]]


class Leases:
    """What ends when. A key written again has a new revision, which voids the old lease: no lease is ever removed."""

    def __init__(self, clock: Clock, commit: Commit) -> None:
        self._clock = clock
        self._commit = commit
        self._heap: list[tuple[float, str, int]] = []  # by monotonic time
        self._task: asyncio.Task[None] | None = None
        self._asleep = False

    def end_of(self, ttl: float) -> int:
        """The wall time at which a lease of so many seconds ends."""
        return ceil(self._clock.now().timestamp() + ttl)

    def grant(self, key: str, revision: int, end: int) -> None:
        self._remember(end - self._clock.now().timestamp(), key, revision)

    def _remember(self, seconds: float, key: str, revision: int) -> None:
        heapq.heappush(self._heap, (ceil(self._clock.monotonic() + seconds), key, revision))
        if self._heap[0][1:] == (key, revision):
            self._wake()

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wake(self) -> None:
        """Wait for the first lease from now on; a task that is ending leases sees it anyway when it goes on."""
        if self._task and self._asleep:
            self._task.cancel()
        if self._task is None or self._task.done() or self._asleep:
            self._asleep = False
            self._task = asyncio.create_task(self._run(), name="store leases")

    async def _run(self) -> None:
        while self._heap:
            self._asleep = True
            await self._clock.sleep(max(0.0, self._heap[0][0] - self._clock.monotonic()))
            self._asleep = False
            await asyncio.gather(*(self._end(*lease) for lease in self._take_due()))

    def _take_due(self) -> list[tuple[str, int]]:
        now = self._clock.monotonic()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[1:])
        return due

    async def _end(self, key: str, revision: int) -> None:
        try:
            await self._commit([Write(key, None, expected=revision)])
        except ConflictError:
            return
        except UnavailableError:
            self._remember(RETRY_SECONDS, key, revision)
