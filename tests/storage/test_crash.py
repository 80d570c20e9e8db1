"""kill -9, a hundred times, under load: what was acknowledged is there, commits are whole, revisions go forward."""

from __future__ import annotations

import multiprocessing
import random
from pathlib import Path

from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Record
from tests.storage.crash_child import WORKERS, main

KILLS = 100


def acknowledged_until_killed(path: Path, name: str, enough: int) -> dict[str, int]:
    """Let a process commit until it has acknowledged so many, kill it, and return all that it acknowledged."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.storage.crash_child"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=main, args=(path, sender, name), daemon=True)
    process.start()
    sender.close()
    acknowledged: dict[str, int] = {}
    try:
        while True:
            key, revision = receiver.recv()
            acknowledged[key] = revision
            if len(acknowledged) == enough:
                process.kill()
    except EOFError:
        process.join()
    assert process.exitcode == -9
    process.close()
    receiver.close()
    return acknowledged


def whole(items: dict[str, Record], last: Record) -> bool:
    """Both keys of a commit are there, at its revision."""
    return items[last.value.decode()].modified == last.modified


async def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path, chance = tmp_path / "store.db", random.Random(1)
    acknowledged: dict[str, int] = {}
    revision = 0
    for kill in range(KILLS):
        latest = acknowledged_until_killed(path, str(kill), chance.randint(1, 60))
        store = await SqliteStore.open(path)
        assert min(latest.values()) > revision
        revision, page, lasts = await store.revision(), await store.range("/items/"), await store.range("/last/")
        await store.close()
        acknowledged |= latest
        items = {record.key: record for record in page.records}
        assert {key: items[key].modified for key in acknowledged if key in items} == acknowledged
        assert revision >= max(acknowledged.values())
        assert len(lasts.records) <= WORKERS and all(whole(items, last) for last in lasts.records)
