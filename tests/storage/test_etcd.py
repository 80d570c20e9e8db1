"""What only a store over a network promises: it outlives members, restarts, tokens and other servers' compactions."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from knarr.api.protobuf.wire import BYTES, delimited, tag
from knarr.machinery.clock import VirtualClock
from knarr.storage.cache import WatchCache
from knarr.storage.etcd import Credentials, EtcdStore
from knarr.storage.etcd.client import EtcdClient
from knarr.storage.etcd.compaction import Compactor, Round
from knarr.storage.store import (
    CompactedError,
    ConflictError,
    Event,
    Record,
    Store,
    TooLargeError,
    UnavailableError,
    Write,
)
from knarr.wire.grpc import Channel
from knarr.wire.tls import client_context
from tests.storage.etcds import Etcd, etcd

PATIENCE = 20


@asynccontextmanager
async def opened(server: Etcd, clock: VirtualClock | None = None, **options: object) -> AsyncIterator[EtcdStore]:
    given = {"tls": server.tls(), "keep_seconds": 0, **options}
    store = await EtcdStore.open(server.endpoints, clock, **given)  # type: ignore[arg-type]
    try:
        yield store
    finally:
        await store.close()


class Watcher:
    """Collects what a watch says, in the background, going on as the watch cache does when the store cannot answer."""

    def __init__(self, store: Store, prefix: str, after: int) -> None:
        self.events: list[Event] = []
        self._store, self._prefix, self._after = store, prefix, after
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            with suppress(UnavailableError):
                async for events in self._store.watch(self._prefix, self._after):
                    self.events += events
                    self._after = events[-1].revision
                    self._news.set()
            await asyncio.sleep(0.05)

    async def until(self, revision: int) -> list[Event]:
        async with asyncio.timeout(PATIENCE):
            while self._after < revision:
                self._news.clear()
                await self._news.wait()
        return self.events

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def put(store: Store, key: str, value: bytes = b"v") -> int:
    return await store.commit([Write(key, value)])


async def insist(action: Callable[[], Awaitable[int]]) -> int:
    """Again and again, while the store cannot answer."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await action()
            except UnavailableError:
                await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with etcd(tmp_path_factory.mktemp("three"), 3) as running:
        yield running


@pytest.fixture
def prefix() -> str:
    return f"/{uuid.uuid4().hex}/"


class TestMembers:
    @pytest.mark.parametrize("victim", [0, 1, 2], ids=["the one in use", "another", "a third"])
    async def test_one_that_dies_is_done_without(self, three: Etcd, prefix: str, victim: int) -> None:
        async with opened(three) as store:
            watcher = Watcher(store, prefix, await insist(store.revision))
            written = [await insist(lambda: put(store, f"{prefix}before"))]
            three.members[victim].kill()
            try:
                written += [await insist(lambda n=n: put(store, f"{prefix}{n}")) for n in range(20)]  # type: ignore[misc]
                seen = [event.revision for event in await watcher.until(written[-1])]
                assert seen == sorted(set(seen)) and set(written) <= set(seen)
                assert len((await store.range(prefix)).records) == 21
            finally:
                three.start(three.members[victim])
                three.wait()
                await watcher.stop()

    @pytest.mark.parametrize("waited_for", [True, False], ids=["asked", "watched alone"])
    async def test_one_that_hangs_is_left(
        self, three: Etcd, prefix: str, waited_for: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It says nothing and closes nothing, as a machine whose network is cut. In a sixth of the usual times."""
        for name, seconds in (("PATIENCE", 0.3), ("ANSWER", 0.5), ("BETWEEN", 1.0)):
            monkeypatch.setattr(f"knarr.wire.grpc.liveness.{name}", seconds)
        monkeypatch.setattr("knarr.storage.etcd.client.KEEPALIVE", 30 if waited_for else 1.6)
        async with opened(three) as store, opened(Etcd(three.members[1:], three.authority, three.client)) as other:
            watcher = Watcher(store, prefix, await insist(store.revision))
            await watcher.until(await insist(lambda: put(store, f"{prefix}before")))
            three.members[0].signal(signal.SIGSTOP)
            try:
                wanted = [await insist(lambda n=n: put(other, f"{prefix}{n}")) for n in range(3)]  # type: ignore[misc]
                if waited_for:
                    async with asyncio.timeout(2):
                        assert await store.revision() >= wanted[-1]
                async with asyncio.timeout(4):
                    assert [event.revision for event in (await watcher.until(wanted[-1]))[1:]] == wanted
            finally:
                three.members[0].signal(signal.SIGCONT)
                await watcher.stop()

    async def test_without_a_majority_nothing_is_acknowledged_or_read(self, three: Etcd, prefix: str) -> None:
        async with opened(three) as store:
            await insist(lambda: store.commit([Write(f"{prefix}a", b"1")]))
            for member in three.members[1:]:
                member.kill()
            try:
                with pytest.raises(UnavailableError, match="etcd"):
                    await store.get(f"{prefix}a")
            finally:
                for member in three.members[1:]:
                    three.start(member)
                three.wait()
            revision = await insist(lambda: store.commit([Write(f"{prefix}b", b"2")]))
            assert [record.key for record in (await store.range(prefix)).records] == [f"{prefix}a", f"{prefix}b"]
            assert await insist(store.revision) >= revision

    async def test_nobody_there(self, server: Etcd) -> None:
        with pytest.raises(UnavailableError, match=r"etcd \(127\.0\.0\.1:1\): connection: 127\.0\.0\.1:1: "):
            await EtcdStore.open(["127.0.0.1:1"], tls=server.tls())

    @pytest.mark.parametrize("certified", [False, True], ids=["no certificate", "another authority"])
    async def test_strangers(self, server: Etcd, tmp_path: Path, certified: bool) -> None:
        """Whom etcd does not know it does not let in; what etcd does not prove is not believed."""
        tls = client_context(None if certified else server.authority.file, protocols=("h2",))
        with pytest.raises(UnavailableError, match=r"etcd \(127"):
            await EtcdStore.open(server.endpoints, tls=tls)


async def test_a_restart_is_watched_through(tmp_path: Path) -> None:
    with etcd(tmp_path) as server:
        async with opened(server) as store:
            watcher = Watcher(store, "/", 0)
            written = [await store.commit([Write("/a", b"%d" % n)]) for n in range(3)]
            await watcher.until(written[-1])
            server.members[0].kill()
            server.start(server.members[0])
            written += [await insist(lambda n=n: store.commit([Write(f"/b{n}", b"v", 0)])) for n in range(3)]  # type: ignore[misc]
            found = await watcher.until(written[-1])
            assert [event.revision for event in found] == written
            assert found[2].previous == Record("/a", b"1", written[0], written[1])
            await watcher.stop()


async def test_a_large_commit_is_watched_in_fragments_and_comes_whole(server: Etcd, prefix: str) -> None:
    async with opened(server) as store:
        before = await store.revision()
        keys = [f"{prefix}{n}" for n in range(4)]
        for _ in range(3):
            await store.commit([Write(key, bytes(300_000)) for key in keys])
        async with asyncio.timeout(PATIENCE):
            async for events in store.watch(prefix, before):
                assert [event.key for event in events] == keys * (len(events) // 4)
                if events[-1].revision == before + 3:
                    break


@pytest.mark.parametrize("size", [1_600_000, 3_000_000])
async def test_what_etcd_finds_too_large_is_refused_for_good(server: Etcd, prefix: str, size: int) -> None:
    async with opened(server) as store:
        with pytest.raises(TooLargeError, match=r"too large|larger than"):
            await store.commit([Write(f"{prefix}a", bytes(size))])


async def test_many_who_ask_for_the_revision_share_a_request(server: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(server) as store:
        calls = 0
        unary = Channel.unary

        async def counted(self: Channel, *arguments: object, **rest: object) -> bytes:
            nonlocal calls
            calls += 1
            return await unary(self, *arguments, **rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Channel, "unary", counted)
        first = [asyncio.create_task(store.revision()) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second = [asyncio.create_task(store.revision()) for _ in range(50)]
        first[0].cancel()
        revisions = await asyncio.gather(*first[1:], *second)
        assert (len(set(revisions)), calls) == (1, 2)


@pytest.mark.parametrize("limit", [0, 1, 3, 6, 7, 9, 10], ids=lambda limit: f"limit {limit}")
async def test_what_is_asked_for_in_several_answers_is_of_one_moment(
    server: Etcd, prefix: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knarr.storage.etcd.store.PAGE", 3)
    keys = [f"{prefix}{n}" for n in range(9)]
    async with opened(server) as store:
        revision = await store.commit([Write(key, b"v") for key in keys])
        read = EtcdClient.read

        async def disturbed(self: EtcdClient, *arguments: Any) -> Any:
            answer = await read(self, *arguments)
            await store.commit([Write(f"{prefix}8", None), Write(f"{prefix}new", b"v")])
            return answer

        monkeypatch.setattr(EtcdClient, "read", disturbed)
        page = await store.range(prefix, limit=limit)
        assert [record.key for record in page.records] == (keys[:limit] if limit else keys)
        assert (page.revision, page.remaining) == (revision, max(9 - limit, 0) if limit else 0)


async def test_a_compaction_between_two_answers_makes_a_range_begin_anew(
    server: Etcd, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knarr.storage.etcd.store.PAGE", 3)
    async with opened(server) as store:
        await store.commit([Write(f"{prefix}{n}", b"v") for n in range(5)])
        read, times = EtcdClient.read, iter(range(2))

        async def disturbed(self: EtcdClient, *arguments: Any) -> Any:
            answer = await read(self, *arguments)
            for _ in times:
                await store.compact(await store.commit([Write(f"{prefix}0", b"w")]))
            return answer

        monkeypatch.setattr(EtcdClient, "read", disturbed)
        page = await store.range(prefix)
        assert [record.value for record in page.records] == [b"w", *[b"v"] * 4]


async def test_keys_are_kept_below_the_prefix_that_is_chosen(server: Etcd) -> None:
    """Beside another cluster's, which is not taken for ours."""
    async with opened(server) as plain, opened(server, root="/mine/") as moved:
        await plain.commit([Write("/registry/pods/theirs", b"1")])
        watcher = Watcher(moved, "/registry/", await moved.revision())
        revision = await moved.commit([Write("/registry/pods/a", b"2", 0)])
        with pytest.raises(ConflictError):
            await moved.commit([Write("/registry/pods/a", b"3", 0)])
        found = Record("/registry/pods/a", b"2", revision, revision)
        assert await moved.get(found.key) == found
        assert (await moved.range("/registry/pods/")).records == [found]
        assert [event.key for event in await watcher.until(revision)] == [found.key]
        assert [record.key for record in (await plain.range("/mine/")).records] == ["/mine/pods/a"]
        assert "/registry/pods/theirs" not in [record.key for record in (await moved.range("")).records]
        await plain.commit([Write("/registry/pods/theirs", None), Write("/mine/pods/a", None)])
        await watcher.stop()


async def test_values_are_read_through_the_decoder(server: Etcd, prefix: str) -> None:
    def decode(key: str, value: bytes) -> bytes:
        return value.removeprefix(b"coded ") if key.startswith(prefix) else value

    async with opened(server, decode=decode) as store:
        before = await store.commit([Write(f"{prefix}a", b"coded 1")])
        await store.commit([Write(f"{prefix}a", b"coded 2")])
        assert await store.get(f"{prefix}a") == Record(f"{prefix}a", b"2", before, before + 1)
        assert [record.value for record in (await store.range(prefix)).records] == [b"2"]
        async for (event,) in store.watch(prefix, before):
            assert (event.value, event.previous and event.previous.value) == (b"2", b"1")
            break


class TestCompaction:
    async def test_under_a_watch_that_is_behind_is_told(self, server: Etcd, prefix: str) -> None:
        async with opened(server) as store:
            first = await store.commit([Write(f"{prefix}a", b"1")])
            for _ in range(3):
                last = await store.commit([Write(f"{prefix}a", b"2")])
            await store.compact(last)
            with pytest.raises(CompactedError) as refusal:
                async for _ in store.watch(prefix, first):
                    pass
            assert refusal.value.oldest == last

    async def test_does_not_disturb_a_watch_that_keeps_up(self, server: Etcd, prefix: str) -> None:
        async with opened(server) as store:
            watcher = Watcher(store, prefix, await store.revision())
            for n in range(5):
                revision = await store.commit([Write(f"{prefix}a", b"%d" % n)])
                await watcher.until(revision)
                await store.compact(revision)
            assert [event.value for event in watcher.events] == [b"%d" % n for n in range(5)]
            await watcher.stop()

    async def test_is_survived_by_the_cache_that_missed_it(self, tmp_path: Path) -> None:
        """etcd goes, another server writes and compacts meanwhile: the cache loads again and tells its watchers."""
        with etcd(tmp_path) as server:
            async with opened(server) as store, opened(server) as other:
                cache = WatchCache(store, lambda key, value: ({}, {}))
                await store.commit([Write("/registry/pods/a", b"1"), Write("/registry/pods/b", b"1")])
                await cache.start()
                lost = asyncio.Event()
                cache.subscribe("/registry/pods/", cache.revision, lambda changes: None, lost.set)
                channel = store._client._channels[0]
                port, channel.target = channel.target, "127.0.0.1:1"  # cut off
                await channel.close()
                channel._closed = False
                await other.commit([Write("/registry/pods/a", None)])
                revision = await other.commit([Write("/registry/pods/b", b"2")])
                await other.compact(revision)
                channel.target = port
                async with asyncio.timeout(PATIENCE):
                    await cache.wait(revision)
                    await lost.wait()
                assert [(entry.key, entry.value) for entry in cache.range("/registry/pods/")] == [
                    ("/registry/pods/b", b"2")
                ]
                await cache.stop()

    async def test_is_done_by_one_of_several_servers_in_each_round(self, tmp_path: Path) -> None:
        with etcd(tmp_path) as server:
            client = EtcdClient(server.endpoints, server.tls())
            one, two = (Compactor(client, VirtualClock(), 300) for _ in range(2))
            async with opened(server) as store:
                last = {one: Round(), two: Round()}
                for n in range(4):
                    written = [await store.commit([Write("/a", b"%d" % n)]) for _ in range(3)]
                    for compactor in (one, two):
                        last[compactor] = await compactor.take_turn(last[compactor])
                assert last[one].number == last[two].number == 4
                assert (await store.range("/a", revision=written[0])).records, "the newest round is kept"
                with pytest.raises(CompactedError):
                    await store.range("/a", revision=written[0] - 5)
            await client.close()

    async def test_comes_with_time(self, tmp_path: Path, clock: VirtualClock) -> None:
        with etcd(tmp_path) as server:
            async with opened(server, clock, keep_seconds=300) as store:
                first = await store.commit([Write("/a", b"1")])
                last = await store.commit([Write("/a", b"2")])
                async with asyncio.timeout(PATIENCE):
                    while True:
                        await clock.advance(301)
                        await asyncio.sleep(0.02)
                        try:
                            await store.range("/a", revision=first)
                        except CompactedError:
                            break
                assert (await store.get("/a")) == Record("/a", b"2", first, last)


async def call(server: Etcd, method: str, *fields: str) -> None:
    """One of etcd's administrative calls, whose requests are strings."""
    channel = Channel(server.endpoints[0], tls=server.tls())
    request = b"".join(delimited(tag(n, BYTES), text.encode()) for n, text in enumerate(fields, 1))
    await channel.unary(f"/etcdserverpb.Auth/{method}", request, 5)
    await channel.close()


class TestAuthentication:
    @pytest.fixture
    async def guarded(self, tmp_path: Path) -> AsyncIterator[Etcd]:
        """Only root may do anything; tokens last for a second."""
        with etcd(tmp_path, 1, "--auth-token-ttl=1", "--bcrypt-cost=4") as server:
            await call(server, "UserAdd", "root", "secret")
            await call(server, "RoleAdd", "root")
            await call(server, "UserGrantRole", "root", "root")
            await call(server, "AuthEnable")
            yield server

    async def test_by_password_with_tokens_that_are_renewed(self, guarded: Etcd) -> None:
        async with opened(guarded, credentials=Credentials("root", "secret")) as store:
            watcher = Watcher(store, "/", 0)
            first = await store.commit([Write("/a", b"1")])
            await watcher.until(first)
            await asyncio.sleep(3.5)  # the token has ended by now
            second = await store.commit([Write("/a", b"2", expected=first)])
            async for events in store.watch("/", first):
                assert [event.revision for event in events] == [second]
                break
            assert len(await watcher.until(second)) == 2
            await watcher.stop()

    @pytest.mark.parametrize(
        ("credentials", "why"),
        [
            pytest.param(Credentials("root", "wrong"), "authentication failed", id="wrong password"),
            pytest.param(None, "user name is empty|permission denied|invalid auth", id="nobody"),
        ],
    )
    async def test_others_are_refused(self, guarded: Etcd, credentials: Credentials | None, why: str) -> None:
        with pytest.raises(UnavailableError, match=why):
            await EtcdStore.open(guarded.endpoints, tls=guarded.tls(), credentials=credentials)

    def test_the_password_is_not_told(self) -> None:
        assert "secret" not in f"{Credentials('root', 'secret')}"
