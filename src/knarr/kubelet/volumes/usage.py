"""How much an emptyDir on disk holds, against its sizeLimit.

The kernel tells nobody that a directory has grown (project quotas would, on filesystems that have them). So what has a
limit, and nothing else, is measured every ten seconds, as upstream's eviction manager does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from knarr.kubelet.volumes.source import Prepared
from knarr.machinery.clock import Clock

PERIOD = 10.0  # seconds
_BLOCK = 512  # bytes; what st_blocks counts, whatever the filesystem's block is


class Limits:
    """Measures watched volumes and says `exceeded(pod uid, message)`, once for each."""

    def __init__(self, clock: Clock, exceeded: Callable[[str, str], None]) -> None:
        self._clock, self._exceeded = clock, exceeded
        self._watched: dict[tuple[str, str], Prepared] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, uid: str, volume: str, prepared: Prepared) -> None:
        self._watched[uid, volume] = prepared
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self, uid: str) -> None:
        """The pod's volumes are gone; with the last one the measuring ends."""
        self._watched = {key: prepared for key, prepared in self._watched.items() if key[0] != uid}
        if not self._watched:
            self.close()

    def close(self) -> None:
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        while self._watched:
            await self._clock.sleep(PERIOD)
            for (uid, volume), prepared in list(self._watched.items()):
                if await asyncio.to_thread(disk_usage, prepared.path) > prepared.limit:
                    self._watched.pop((uid, volume), None)
                    limit = prepared.limit_text
                    self._exceeded(uid, f'Usage of EmptyDir volume "{volume}" exceeds the limit "{limit}". ')


def disk_usage(directory: Path) -> int:
    """Bytes that the directory's files occupy, hard links counted once; what disappears meanwhile counts nothing."""
    blocks: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(directory):
        for name in ("", *names):
            try:
                status = Path(parent, name).lstat()
            except FileNotFoundError:
                continue
            blocks[status.st_dev, status.st_ino] = status.st_blocks
    return sum(blocks.values()) * _BLOCK
