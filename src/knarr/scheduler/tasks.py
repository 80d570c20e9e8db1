"""Requests under way: many at once, but of one Pod one after the other, so that the last word is the last said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from knarr.runtime.quiescence import Quiescence

log = logging.getLogger(__name__)


class Tasks:
    """Work by key. What it raises is logged: it is a fault, and none that another key should suffer from."""

    def __init__(self, at_once: int, quiescence: Quiescence) -> None:
        self._at_once, self._quiescence = at_once, quiescence
        self._running: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}  # by key
        self._ended = asyncio.Event()

    async def room(self) -> None:
        """Give others a turn, and wait while there is too much under way."""
        await asyncio.sleep(0)
        while len(self._running) >= self._at_once:
            self._ended.clear()
            await self._ended.wait()

    def start(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work once what was started for this key before is done."""
        task = asyncio.get_running_loop().create_task(self._run(key, self._last.get(key), work))
        self._running.add(task)
        self._last[key] = task
        self._quiescence.begin()
        task.add_done_callback(lambda ended: self._end(key, ended))

    async def close(self) -> None:
        """Stop all of it."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _run(self, key: str, previous: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
        if previous:
            await asyncio.wait((previous,))
        try:
            await work()
        except Exception:
            log.exception("work for %s failed", key)

    def _end(self, key: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._last.get(key) is task:
            del self._last[key]
        self._quiescence.end()
        self._ended.set()
