"""Decides how much of the past a store keeps: by age and by number, with one timer that runs only after writes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from knarr.machinery.clock import Clock
from knarr.storage.store import UnavailableError

log = logging.getLogger(__name__)


class Retention:
    """Compacts so that what happened within `seconds` is kept (for up to twice that), but not much over `revisions`."""

    def __init__(
        self, clock: Clock, compact: Callable[[int], Awaitable[None]], *, seconds: float, revisions: int, floor: int
    ) -> None:
        self._clock = clock
        self._compact = compact
        self._seconds = seconds
        self._revisions = revisions
        self._floor = floor
        self._by_age: asyncio.Task[None] | None = None
        self._by_number: asyncio.Task[None] | None = None

    def note(self, revision: int) -> None:
        """A commit took this revision."""
        if self._by_age is None or self._by_age.done():
            self._by_age = asyncio.create_task(self._after_a_while(revision), name="compaction by age")
        surplus = revision - self._revisions - self._floor
        if surplus > self._revisions // 8 and (self._by_number is None or self._by_number.done()):
            self._by_number = asyncio.create_task(self._until(revision - self._revisions), name="compaction by number")

    async def close(self) -> None:
        tasks = [task for task in (self._by_age, self._by_number) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _after_a_while(self, revision: int) -> None:
        await self._clock.sleep(self._seconds)
        await self._until(revision)

    async def _until(self, revision: int) -> None:
        self._floor = max(self._floor, revision)
        try:
            await self._compact(revision)
        except UnavailableError as error:
            log.warning("compaction has to wait: %s", error)
