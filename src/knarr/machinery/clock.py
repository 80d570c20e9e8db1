"""Time, injected: a component never calls `time.time()` or `asyncio.sleep()` itself.

Wall time stamps objects, monotonic time measures and schedules; both may be virtual in a test. Deadlines of real I/O
(socket timeouts) are not the clock's business: they stay real.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a component learns the time and waits."""

    def now(self) -> datetime:
        """Wall time, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of monotonic time."""


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
