"""Commits a few times, saying on stdout when each begins and when it is acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Write


async def main(path: Path) -> None:
    store = await SqliteStore.open(path)
    for n in range(5):
        os.write(1, b"begin")
        await store.commit([Write(f"/{n}", b"v")])
        os.write(1, b"acknowledged")
    await store.close()


asyncio.run(main(Path(sys.argv[1])))
