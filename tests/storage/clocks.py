"""A clock that moves when it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class SteppedClock:
    def __init__(self) -> None:
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, sleeper))
        await sleeper

    async def advance(self, seconds: float) -> None:
        await asyncio.sleep(0)  # tasks made just now reach their sleep first
        self._elapsed += seconds
        due = [sleeper for end, sleeper in self._sleepers if end <= self._elapsed]
        self._sleepers = [(end, sleeper) for end, sleeper in self._sleepers if end > self._elapsed]
        for sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)
