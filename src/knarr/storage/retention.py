"""Decides how much of the past a store keeps: by age, number and size, with one timer that runs only after writes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from knarr.machinery.clock import Clock
from knarr.storage.store import UnavailableError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Portion:
    """Some of the newest writes: up to which revision, and how many bytes."""

    revision: int
    size: int = 0


class Retention:
    """Compacts so that what happened within `seconds` is kept (for up to twice that), but not much over `revisions`,
    nor over `size` bytes.
    """

    def __init__(
        self,
        clock: Clock,
        compact: Callable[[int], Awaitable[None]],
        *,
        seconds: float,
        revisions: int,
        size: int,
        floor: int,
    ) -> None:
        self._clock = clock
        self._compact = compact
        self._seconds = seconds
        self._revisions = revisions
        self._size = size
        self._floor = self._newest = floor
        self._portions = deque([Portion(floor)])  # what was written lately, in some ten portions
        self._by_age: asyncio.Task[None] | None = None
        self._by_amount: asyncio.Task[None] | None = None

    def note(self, revision: int, size: int) -> None:
        """Commits up to this revision wrote so many bytes."""
        self._newest = revision
        if self._portions[-1].size > self._size // 8:
            self._portions.append(Portion(revision))
        self._portions[-1].revision = revision
        self._portions[-1].size += size
        if self._by_age is None or self._by_age.done():
            self._by_age = asyncio.create_task(self._shorten_later(revision), name="compaction by age")
        if self._too_much() and (self._by_amount is None or self._by_amount.done()):
            self._by_amount = asyncio.create_task(self._shorten(), name="compaction by amount")

    async def close(self) -> None:
        tasks = [task for task in (self._by_age, self._by_amount) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _too_much(self) -> bool:
        """By an eighth at least, to make it worth the while."""
        return self._newest - self._floor > self._revisions + self._revisions // 8 or self._surplus() > self._size // 8

    def _surplus(self) -> int:
        """The newest portion stays, however large."""
        return sum(portion.size for portion in self._portions) - self._size if len(self._portions) > 1 else 0

    async def _shorten(self) -> None:
        while self._too_much():
            oldest = self._newest - self._revisions
            while self._surplus() > 0:
                oldest = max(oldest, self._portions.popleft().revision)
            await self._until(oldest)

    async def _shorten_later(self, revision: int) -> None:
        await self._clock.sleep(self._seconds)
        await self._until(revision)

    async def _until(self, revision: int) -> None:
        self._floor = max(self._floor, revision)
        while len(self._portions) > 1 and self._portions[0].revision <= self._floor:
            self._portions.popleft()
        try:
            await self._compact(revision)
        except UnavailableError as error:
            log.warning("compaction has to wait: %s", error)
