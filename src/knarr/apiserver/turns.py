"""Writers of one object that have met take turns, first come first served.

Without, some could lose for ever: what they have worked out while a commit is under way is out of date when it is over,
and those who began a moment later win again and again. Nobody who is alone at an object waits or pays for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

# Seconds until somebody goes ahead whose turn does not come: a webhook, called in another's turn, may write the object.
PATIENCE = 5.0


class Turns:
    """By the keys of objects."""

    def __init__(self) -> None:
        self._queues: dict[str, list[asyncio.Future[None]]] = {}

    def taken(self, key: str) -> bool:
        return key in self._queues

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Wait for it, and have it for as long as the context lasts."""
        queue, ticket = self._queues.setdefault(key, []), asyncio.get_running_loop().create_future()
        queue.append(ticket)
        try:
            if queue[0] is not ticket:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await ticket
            yield
        finally:
            queue.remove(ticket)
            if not queue:
                del self._queues[key]
            elif not queue[0].done():
                queue[0].set_result(None)
