"""A pod's tasks by key, at most one for each: what is worked on is known by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

Ended = Callable[[str, BaseException | None], None]


class Tasks:
    """`ended(key, error)` is called after each task that was not cancelled."""

    def __init__(self, owner: str, ended: Ended) -> None:
        self.owner, self.ended = owner, ended
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.tasks

    @property
    def keys(self) -> Collection[str]:
        return self.tasks.keys()

    def run(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        self.tasks[key] = task = asyncio.create_task(work, name=f"{self.owner} {key}")
        task.add_done_callback(lambda done: self._done(key, done))

    async def wait(self, key: str) -> None:
        """Until the task of this key has ended, however it did."""
        if task := self.tasks.get(key):
            await asyncio.wait([task])

    def cancel(self) -> list[asyncio.Task[None]]:
        """Cancel all, and forget them at once; they may still take a moment to end."""
        tasks = list(self.tasks.values())
        self.tasks.clear()
        for task in tasks:
            task.cancel()
        return tasks

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(key) is task:
            del self.tasks[key]
        if not task.cancelled():
            self.ended(key, task.exception())
