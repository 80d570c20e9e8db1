"""One request for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Shared:
    """Callers share a request that began after they asked: those who come while one is under way, the one after it.

    So each sees at least what had happened when it asked, and there is never more than one request under way.
    """

    def __init__(self, request: Callable[[], Awaitable[int]]) -> None:
        self._request = request
        self._next: asyncio.Task[int] | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> int:
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            self._next.add_done_callback(_retrieve)
        return await asyncio.shield(self._next)  # who gives up takes no other along

    async def _run(self) -> int:
        async with self._lock:
            self._next = None
            return await self._request()


def _retrieve(task: asyncio.Task[int]) -> None:
    """A failure that nobody waited for is nobody's."""
    if not task.cancelled():
        task.exception()
