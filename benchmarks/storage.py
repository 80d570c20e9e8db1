"""Figures of the stores and the watch cache: python -m benchmarks.storage [DIRECTORY ON THE DISK TO MEASURE]

CPU time is that of the whole process, the writer's thread included; wall time depends on the disk.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.measuring import cpu_seconds
from knarr.storage.cache import Change, WatchCache
from knarr.storage.etcd import EtcdStore
from knarr.storage.memory import MemoryStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Store, Write
from tests.storage.etcds import etcd

VALUE = b'{"kind":"Pod","metadata":{"name":"web"}}' + b" " * 2000
PODS = "/registry/pods/"


def labels_of(key: str, value: bytes) -> tuple[Mapping[str, str], Mapping[str, str]]:
    number = int(key.rpartition("-")[2])
    return {"app": "web", "group": str(number % 100)}, {}


@contextmanager
def figure(name: str, operations: int) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:<52}{operations / wall:>12,.0f}/s{cpu / operations * 1e6:>12,.2f} us CPU each", flush=True)


async def commits(store: Store, name: str, total: int = 4000) -> None:
    numbers = count()

    async def commit(times: int) -> None:
        for _ in range(times):
            await store.commit([Write(f"{PODS}{name}-{next(numbers)}", VALUE, expected=0)])

    for workers in (1, 16, 50):
        operations = total // workers * workers
        with figure(f"{name}: commits of 2 KB, {workers} at once", operations):
            await asyncio.gather(*(commit(total // workers) for _ in range(workers)))


async def commits_of_a_busy_loop(store: Store, total: int = 2000) -> None:
    """As in an API server: each commit comes with work on the loop, which fights the writer for the interpreter."""
    numbers = count()

    async def request(times: int) -> None:
        for _ in range(times):
            until = time.perf_counter() + 0.0002
            while time.perf_counter() < until:
                pass
            await store.commit([Write(f"{PODS}busy-{next(numbers)}", VALUE, expected=0)])

    with figure("sqlite: the same, 16 at once, each with 200 us of work", total):
        await asyncio.gather(*(request(total // 16) for _ in range(16)))


async def acknowledged(store: Store, cache: WatchCache, total: int = 2000) -> None:
    with figure("memory: commit and wait for the cache", total):
        for n in range(total):
            await cache.wait(await store.commit([Write(f"{PODS}default/pod-{n}", VALUE)]))


def reads(cache: WatchCache) -> None:
    timed(lambda: cache.get(PODS + "default/pod-77"), "cache: get", 200_000)
    timed(lambda: cache.range(PODS), f"cache: range, all {cache.count(PODS)}", 500)
    timed(lambda: cache.range(PODS, start=PODS + "default/pod-5", limit=100), "cache: range, 100 from a key on", 20_000)
    timed(lambda: cache.range(PODS, label=("group", "7")), f"cache: range by label, 1 % of {cache.count(PODS)}", 20_000)
    timed(lambda: cache.count(PODS), "cache: count", 100_000)


def timed(operation: Callable[[], object], name: str, times: int) -> None:
    with figure(name, times):
        for _ in range(times):
            operation()


async def fan_out(store: Store, cache: WatchCache, watchers: int = 500, updates: int = 1000) -> None:
    received = 0

    def sink(changes: Sequence[Change]) -> None:
        nonlocal received
        received += len(changes)

    subscriptions = [cache.subscribe(PODS + "default/", cache.revision, sink, lambda: None) for _ in range(watchers)]
    others = [cache.subscribe(f"{PODS}other-{n}/", cache.revision, sink, lambda: None) for n in range(watchers)]
    with figure(f"cache: events to {watchers} watchers, {watchers} elsewhere", watchers * updates):
        for n in range(updates):
            await cache.wait(await store.commit([Write(f"{PODS}default/pod-{n}", VALUE)]))
    assert received == watchers * updates
    for subscription in subscriptions + others:
        subscription.close()


async def memory_of_entries(objects: int = 10_000) -> None:
    store = MemoryStore(keep=1)
    for n in range(objects):
        await store.commit([Write(f"{PODS}default/pod-{n}", VALUE + b"%d" % n)])
    tracemalloc.start()
    cache = WatchCache(store, labels_of)
    await cache.start()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{'cache: memory beside key and value':<52}{held / objects:>12,.0f} bytes an entry")
    await cache.stop()
    await store.close()


async def reopened(path: Path) -> None:
    store = await SqliteStore.open(path)
    records = len((await store.range(PODS)).records)
    await store.close()
    with figure(f"sqlite: keys loaded when a file with {records} opens", records):
        store = await SqliteStore.open(path)
    with figure("sqlite: revisions compacted", await store.revision()):
        await store.compact(await store.revision())
    await store.close()


async def etcds(directory: Path) -> None:
    """Over TLS, on one member; its own processor time comes beside ours."""
    with etcd(directory) as server:
        store = await EtcdStore.open(server.endpoints, tls=server.tls())
        (pid,) = server.pids()
        before = cpu_seconds(pid)
        await commits(store, "etcd")
        own = (cpu_seconds(pid) - before) / 12_000 * 1e6
        print(f"{'etcd: its own part of each':<52}{'':>14}{own:>12,.2f} us CPU each")
        for workers in (1, 50):
            with figure(f"etcd: quorum reads of the revision, {workers} at once", 5000):
                await asyncio.gather(*(revisions(store, 5000 // workers) for _ in range(workers)))
        with figure("etcd: keys loaded by a range of all", 12_000):
            await store.range(PODS)
        await store.close()


async def revisions(store: Store, times: int) -> None:
    for _ in range(times):
        await store.revision()


async def main(directory: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        path = Path(scratch) / "store.db"
        store = await SqliteStore.open(path)
        await commits(store, "sqlite")
        await commits_of_a_busy_loop(store)
        await store.close()
        await reopened(path)
        await etcds(Path(scratch))
    memory = MemoryStore()
    await commits(memory, "memory", 20_000)
    await memory.close()
    memory = MemoryStore()
    cache = WatchCache(memory, labels_of)
    await cache.start()
    await acknowledged(memory, cache)
    reads(cache)
    await fan_out(memory, cache)
    await cache.stop()
    await memory.close()
    await memory_of_entries()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
