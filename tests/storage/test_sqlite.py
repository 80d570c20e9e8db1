"""What only a store on a disk promises."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import CompactedError, Record, UnavailableError, Write


async def churn(store: SqliteStore, commits: int, key: str = "/a", size: int = 10) -> None:
    for first in range(0, commits, 100):
        count = min(100, commits - first)
        await asyncio.gather(*(store.commit([Write(key, b"v" * size)]) for _ in range(count)))


async def settle(store: SqliteStore, oldest: int) -> None:
    """Until the store has compacted so far."""
    async with asyncio.timeout(10):
        while True:
            try:
                await store.range("/", revision=oldest - 1)
            except CompactedError:
                return
            await asyncio.sleep(0.005)


async def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Write("/a", b"1"), Write("/b", b"1")])
    await store.commit([Write("/a", b"2")])
    await store.commit([Write("/b", None)])
    await store.compact(2)
    await store.close()
    store = await SqliteStore.open(path)
    assert (await store.revision(), (await store.range("/")).records) == (3, [Record("/a", b"2", 1, 2)])
    assert [record.key for record in (await store.range("/", revision=2)).records] == ["/a", "/b"]
    with pytest.raises(CompactedError):
        await store.range("/", revision=1)
    await store.close()


async def test_revisions_go_on_after_all_was_deleted_and_compacted(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    await store.commit([Write("/a", b"1")])
    await store.commit([Write("/a", None)])
    await store.compact(2)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.commit([Write("/a", b"2", expected=0)]) == 3
    await store.close()


async def test_leases_outlive_the_process(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path, clock)
    await store.commit([Write("/short", b"v", ttl=10), Write("/long", b"v", ttl=60)])
    await store.close()
    await clock.advance(30)
    store = await SqliteStore.open(path, clock)
    async with asyncio.timeout(5):
        async for events in store.watch("/", 1):
            assert [(event.key, event.value) for event in events] == [("/short", None)]
            break
    assert await store.get("/long")
    await store.close()


async def test_a_backup_goes_on_above_all_revisions_handed_out(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    await churn(store, 10)
    await store.backup(tmp_path / "backup.db")
    await churn(store, 10)
    newest = await store.revision()
    await store.close()
    restored = await SqliteStore.open(tmp_path / "backup.db")
    revision = await restored.revision()
    assert revision > newest
    assert await restored.get("/a") == Record("/a", b"v" * 10, created=1, modified=10)
    with pytest.raises(CompactedError):
        await anext(aiter(restored.watch("/", newest)))
    assert await restored.commit([Write("/b", b"v")]) == revision + 1
    await restored.compact(revision + 1)
    await restored.close()
    restored = await SqliteStore.open(tmp_path / "backup.db")
    assert await restored.revision() == revision + 1, "it is raised once"
    await restored.close()


async def test_old_revisions_go_by_number(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", keep_revisions=100)
    await churn(store, 1000)
    await settle(store, 800)
    await store.range("/", revision=900)
    await store.close()


async def test_old_revisions_go_by_size(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", keep_bytes=1_000_000)
    await churn(store, 300, size=10_000)
    await settle(store, 180)
    await store.range("/", revision=220)
    await store.close()


async def test_a_commit_that_is_larger_than_all_that_is_kept_is_kept(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", keep_bytes=1000)
    for n in range(5):
        await churn(store, 1, key=f"/{n}", size=10_000)
    await settle(store, 4)
    assert len((await store.range("/")).records) == 5
    assert len((await store.range("/", revision=5)).records) == 5
    await store.close()


async def test_old_revisions_go_by_age(tmp_path: Path, clock: VirtualClock) -> None:
    store = await SqliteStore.open(tmp_path / "store.db", clock, keep_seconds=300)
    await churn(store, 10)
    await clock.advance(299)
    await churn(store, 10)
    await store.range("/", revision=1)
    await clock.advance(2)
    await settle(store, 2)
    await store.range("/", revision=11)
    await store.close()


async def test_the_file_shrinks_and_the_log_is_bounded(tmp_path: Path) -> None:
    path, wal = tmp_path / "store.db", tmp_path / "store.db-wal"
    store = await SqliteStore.open(path)
    await churn(store, 5000, size=4000)
    assert wal.stat().st_size < 20 << 20
    await store.compact(await store.revision())
    await store.close()
    assert path.stat().st_size < 4 << 20
    assert not wal.exists()


async def test_a_second_process_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = await SqliteStore.open(path)
    script = (
        "import asyncio, pathlib, sys\nfrom knarr.storage.sqlite import SqliteStore\n"
        "asyncio.run(SqliteStore.open(pathlib.Path(sys.argv[1])))"
    )
    second = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert f"UnavailableError: {path} is in use by another process: stop that one" in second.stderr
    await store.commit([Write("/a", b"v")])
    await store.close()


async def test_files_are_private(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    await store.commit([Write("/a", b"v")])
    await store.backup(tmp_path / "backup.db")
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "store.db": "0o600",
        "store.db-wal": "0o600",
        "backup.db": "0o600",
    }
    await store.close()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"this is a letter to my aunt " * 99, "damaged or no database", id="another file"),
        pytest.param(None, "cannot open the store", id="a directory"),
    ],
)
async def test_what_is_no_store_is_named(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "store.db"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UnavailableError, match=sentence):
        await SqliteStore.open(path)


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    await store.close()
    await store.close()
    with pytest.raises(UnavailableError, match="closed"):
        await store.commit([Write("/a", b"v")])


FULL_DISK = """
import asyncio, pathlib, sys
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import UnavailableError, Write

async def main(directory):
    ballast = directory / "ballast"
    store = await SqliteStore.open(directory / "store.db")
    ballast.write_bytes(bytes(1_000_000))
    acknowledged = []
    try:
        while True:
            key = f"/{len(acknowledged)}"
            await store.commit([Write(key, bytes(5_000), expected=0), Write(key + "/twin", bytes(5_000), expected=0)])
            acknowledged.append(key)
    except UnavailableError as error:
        print(error)
    assert await store.revision() == len(acknowledged) > 10
    ballast.unlink()
    acknowledged.append(key)
    await store.commit([Write(key, b"", expected=0), Write(key + "/twin", b"", expected=0)])
    await store.close()
    store = await SqliteStore.open(directory / "store.db")
    assert {record.key for record in (await store.range("/")).records} == {
        name for key in acknowledged for name in (key, key + "/twin")}
    await store.close()

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


async def test_a_full_disk_is_named_and_got_over(tmp_path: Path) -> None:
    """On a small file system of its own, in a mount namespace that ends with the process."""
    mount = f'mount -t tmpfs -o size=2m none {tmp_path} && exec "{sys.executable}" -c "$0" {tmp_path}'
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, FULL_DISK]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == (
        f"the disk that holds {tmp_path}/store.db is full: free some space there, and writing goes on by itself"
    )
