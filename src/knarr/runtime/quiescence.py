"""Knowing when everything is done: one counter of outstanding work, for tests that wait for a settled state.

Queues count keys that are ready or being worked on, informers those first lists that are not yet here, recorders
events not yet sent. What only waits for time to pass is not outstanding.
"""

from __future__ import annotations

import asyncio

# A write's event passes store, cache, transport and informer, each of which may take a turn of the loop.
_TURNS = 20


class Quiescence:
    """Counts outstanding work; `quiet()` returns when there is none, and none comes of what was under way."""

    def __init__(self) -> None:
        self.outstanding = 0
        self._begun = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self, count: int = 1) -> None:
        self.outstanding += count
        self._begun += count
        if self.outstanding:
            self._idle.clear()

    def end(self, count: int = 1) -> None:
        self.outstanding -= count
        if self.outstanding < 0:
            raise RuntimeError("more work was ended than begun")
        if not self.outstanding:
            self._idle.set()

    async def quiet(self) -> None:
        """Wait until nothing is outstanding, and has not been begun again while the loop turned a few times."""
        while True:
            await self._idle.wait()
            before = self._begun
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._begun == before and not self.outstanding:
                return
