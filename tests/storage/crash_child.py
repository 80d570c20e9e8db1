"""A process that commits until it is killed, and says what was acknowledged."""

from __future__ import annotations

import asyncio
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Write

WORKERS = 16


def main(path: Path, acknowledgements: Connection, name: str) -> None:
    asyncio.run(_commit_forever(path, acknowledgements, name))


async def _commit_forever(path: Path, acknowledgements: Connection, name: str) -> None:
    store = await SqliteStore.open(path, keep_revisions=400)  # so that compaction is among what is interrupted
    await asyncio.gather(*(_work(store, acknowledgements, f"{name}-{n}", f"/last/{n}") for n in range(WORKERS)))


async def _work(store: SqliteStore, acknowledgements: Connection, name: str, last: str) -> None:
    for n in count():
        key = f"/items/{name}-{n}"
        revision = await store.commit([Write(key, key.encode() * 20, expected=0), Write(last, key.encode())])
        acknowledgements.send((key, revision))
