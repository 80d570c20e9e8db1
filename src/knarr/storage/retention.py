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
        self._floor = self._newest = floor
        self._by_age: asyncio.Task[None] | None = None
        self._by_number: asyncio.Task[None] | None = None

    def note(self, revision: int) -> None:
        """A commit took this revision."""
        self._newest = revision
        if self._by_age is None or self._by_age.done():
            self._by_age = asyncio.create_task(self._shorten_later(revision), name="compaction by age")
        if self._too_many() and (self._by_number is None or self._by_number.done()):
            self._by_number = asyncio.create_task(self._shorten(), name="compaction by number")

    async def close(self) -> None:
        tasks = [task for task in (self._by_age, self._by_number) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _too_many(self) -> bool:
        """By an eighth at least, to make it worth the while."""
        return self._newest - self._floor > self._revisions + self._revisions // 8

    async def _shorten(self) -> None:
        while self._too_many():
            await self._until(self._newest - self._revisions)

    async def _shorten_later(self, revision: int) -> None:
        await self._clock.sleep(self._seconds)
        await self._until(revision)

    async def _until(self, revision: int) -> None:
        self._floor = max(self._floor, revision)
        try:
            await self._compact(revision)
        except UnavailableError as error:
            log.warning("compaction has to wait: %s", error)
