from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from msgspec.structs import replace

from knarr.storage.cache import Change, WatchCache
from knarr.storage.memory import MemoryStore
from knarr.storage.store import (
    CompactedError,
    Event,
    Page,
    Record,
    UnavailableError,
    Unreadable,
    UnreadableError,
    Write,
)

PODS = "/registry/pods/"


def index(key: str, value: bytes) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Values are their labels."""
    if isinstance(value, Unreadable):
        raise UnreadableError(key, value.why)
    return json.loads(value), {"metadata.name": key.rpartition("/")[2]}


class FlakyStore(MemoryStore):
    """Raises what is in `failures`, one at each watch or next batch."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []

    async def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        if self.failures:
            raise self.failures.pop()
        async for events in super().watch(prefix, after):
            if self.failures:
                raise self.failures.pop()
            yield events


class Watcher:
    """Collects what it is told."""

    def __init__(self, cache: WatchCache, prefix: str, after: int) -> None:
        self.changes: list[Change] = []
        self.batches = 0
        self.lost = 0
        self.subscription = cache.subscribe(prefix, after, self._take, self._lose)

    def _take(self, changes: Sequence[Change]) -> None:
        self.changes += changes
        self.batches += 1

    def _lose(self) -> None:
        self.lost += 1

    @property
    def told(self) -> list[tuple[str, str, int]]:
        return [(change.type, change.entry.key, change.entry.revision) for change in self.changes]


@pytest.fixture
async def store() -> AsyncIterator[FlakyStore]:
    store = FlakyStore()
    yield store
    await store.close()


@pytest.fixture
async def cache(store: FlakyStore) -> AsyncIterator[WatchCache]:
    cache = WatchCache(store, index, history=8)
    await cache.start()
    yield cache
    await cache.stop()


async def put(store: FlakyStore, cache: WatchCache, *keys: str, **labels: str) -> int:
    revision = await store.commit([Write(key, json.dumps(labels).encode()) for key in keys])
    await cache.wait(revision)
    return revision


async def delete(store: FlakyStore, cache: WatchCache, key: str) -> int:
    revision = await store.commit([Write(key, None)])
    await cache.wait(revision)
    return revision


def keys(cache: WatchCache, prefix: str, start: str = "", limit: int = 0, label: str = "") -> list[str]:
    name, _, value = label.partition("=")
    return [e.key for e in cache.range(prefix, start=start, limit=limit, label=(name, value) if label else None)]


class TestReads:
    async def test_starts_with_what_the_store_holds(self, store: FlakyStore) -> None:
        await store.commit([Write(PODS + "a/x", b'{"app": "web"}'), Write("/other/y", b"{}")])
        cache = WatchCache(store, index)
        await cache.start()
        entry = cache.get(PODS + "a/x")
        assert entry
        assert (entry.value, entry.revision, entry.created, entry.labels, entry.fields, entry.encodings) == (
            b'{"app": "web"}', 1, 1, {"app": "web"}, {"metadata.name": "x"}, {},
        )  # fmt: skip
        assert (cache.revision, cache.count("/registry/"), cache.get("/other/y")) == (1, 1, None)
        await cache.stop()

    async def test_follows_the_store(self, store: FlakyStore, cache: WatchCache) -> None:
        await put(store, cache, PODS + "a/x")
        await put(store, cache, PODS + "a/x", app="web")
        entry = cache.get(PODS + "a/x")
        assert entry and (entry.revision, entry.created, entry.labels) == (2, 1, {"app": "web"})
        await delete(store, cache, PODS + "a/x")
        assert (cache.get(PODS + "a/x"), cache.count(PODS)) == (None, 0)

    async def test_advances_with_revisions_that_are_not_its_own(self, store: FlakyStore, cache: WatchCache) -> None:
        await cache.wait(await store.commit([Write("/elsewhere", b"")]))
        assert (cache.revision, cache.range("/")) == (1, [])

    @pytest.mark.parametrize(
        ("prefix", "start", "limit", "label", "expected"),
        [
            pytest.param(PODS, "", 0, "", ["a/x", "a/y", "a-b/z", "b/x"], id="all namespaces, in byte order"),
            pytest.param(PODS + "a/", "", 0, "", ["a/x", "a/y"], id="one namespace"),
            pytest.param(PODS, PODS + "a/y", 0, "", ["a/y", "b/x"], id="from a key on"),
            pytest.param(PODS, "", 2, "", ["a-b/z", "a/x"], id="limited"),
            pytest.param(PODS, PODS + "a/x\0", 1, "", ["a/y"], id="the next page"),
            pytest.param(PODS, "", 0, "app=web", ["a-b/z", "a/x", "b/x"], id="by label"),
            pytest.param(PODS, PODS + "a/", 1, "app=web", ["a/x"], id="by label, a page"),
            pytest.param(PODS + "b/", "", 0, "app=web", ["b/x"], id="by label, a small namespace"),
            pytest.param(PODS, "", 0, "app=none", [], id="by a label of nobody"),
            pytest.param("/registry/secrets/", "", 0, "", [], id="nothing"),
        ],
    )
    async def test_range(
        self,
        store: FlakyStore,
        cache: WatchCache,
        prefix: str,
        start: str,
        limit: int,
        label: str,
        expected: list[str],
    ) -> None:
        await put(store, cache, PODS + "b/x", PODS + "a/x", PODS + "a-b/z", app="web")
        await put(store, cache, PODS + "a/y", app="db")
        await put(store, cache, "/registry/podtemplates/a/x", app="web")
        found = keys(cache, prefix, start, limit, label)
        assert sorted(found) == found
        assert sorted(found) == sorted(PODS + key for key in expected)

    async def test_range_over_resources_keeps_the_order(self, store: FlakyStore, cache: WatchCache) -> None:
        await put(store, cache, "/registry/b/x", "/registry/a/x", "/registry/a-b/x", "/registry/a/y")
        everything = keys(cache, "/registry/")
        assert everything == sorted(everything)
        assert len(everything) == cache.count("/registry/") == 4
        assert keys(cache, "/registry/", limit=3) == everything[:3]

    async def test_labels_are_found_as_they_are_now(self, store: FlakyStore, cache: WatchCache) -> None:
        await put(store, cache, PODS + "a/x", app="web", tier="front")
        await put(store, cache, PODS + "a/x", app="db", tier="front")
        assert [keys(cache, PODS, label=label) for label in ("app=web", "app=db", "tier=front")] == [
            [], [PODS + "a/x"], [PODS + "a/x"],
        ]  # fmt: skip
        await delete(store, cache, PODS + "a/x")
        assert keys(cache, PODS, label="tier=front") == []


class TestSubscriptions:
    async def test_tell_what_happened_and_what_was_before(self, store: FlakyStore, cache: WatchCache) -> None:
        watcher = Watcher(cache, PODS, 0)
        await put(store, cache, PODS + "a/x", app="web")
        await put(store, cache, PODS + "a/x", app="db")
        await delete(store, cache, PODS + "a/x")
        assert watcher.told == [
            ("ADDED", PODS + "a/x", 1),
            ("MODIFIED", PODS + "a/x", 2),
            ("DELETED", PODS + "a/x", 3),
        ]
        assert [change.previous and change.previous.labels for change in watcher.changes] == [
            None,
            {"app": "web"},
            {"app": "db"},
        ]
        assert watcher.changes[2].entry.labels == {"app": "db"}

    @pytest.mark.parametrize(
        ("prefix", "expected"),
        [
            (PODS, [PODS + "a/x", PODS + "a/xy", PODS + "b/x"]),
            (PODS + "a/", [PODS + "a/x", PODS + "a/xy"]),
            (PODS + "a/x", [PODS + "a/x"]),
            ("/registry/", [PODS + "a/x", PODS + "a/xy", PODS + "b/x", "/registry/nodes/x"]),
            ("/registry/secrets/", []),
        ],
    )
    @pytest.mark.parametrize("replayed", [True, False], ids=["replayed", "live"])
    async def test_of_a_prefix(
        self, store: FlakyStore, cache: WatchCache, prefix: str, expected: list[str], replayed: bool
    ) -> None:
        watcher = None if replayed else Watcher(cache, prefix, 0)
        await put(store, cache, PODS + "a/x", PODS + "a/xy", PODS + "b/x", "/registry/nodes/x")
        watcher = watcher or Watcher(cache, prefix, 0)
        assert [key for _, key, _ in watcher.told] == expected
        assert watcher.batches == (1 if expected else 0)

    async def test_replay_then_follow_without_gap_or_repetition(self, store: FlakyStore, cache: WatchCache) -> None:
        for _ in range(3):
            await put(store, cache, PODS + "a/x")
        watcher = Watcher(cache, PODS, 1)
        assert [revision for *_, revision in watcher.told] == [2, 3]
        await put(store, cache, PODS + "a/x")
        assert [revision for *_, revision in watcher.told] == [2, 3, 4]

    async def test_from_the_future_wait(self, store: FlakyStore, cache: WatchCache) -> None:
        watcher = Watcher(cache, PODS, 2)
        for _ in range(3):
            await put(store, cache, PODS + "a/x")
        assert [revision for *_, revision in watcher.told] == [3]

    async def test_from_before_the_history_are_refused(self, store: FlakyStore, cache: WatchCache) -> None:
        for _ in range(20):
            await put(store, cache, PODS + "a/x")
        with pytest.raises(CompactedError) as refusal:
            Watcher(cache, PODS, 1)
        watcher = Watcher(cache, PODS, refusal.value.oldest)
        assert [revision for *_, revision in watcher.told] == list(range(refusal.value.oldest + 1, 21))
        assert 8 <= len(watcher.told) <= 10

    async def test_share_one_batch(self, store: FlakyStore, cache: WatchCache) -> None:
        batches: list[Sequence[Change]] = []
        for _ in range(2):
            cache.subscribe(PODS, 0, batches.append, lambda: None)
        await put(store, cache, PODS + "a/x", PODS + "a/y")
        assert len(batches) == 2
        assert batches[0] is batches[1]

    async def test_closed_are_told_no_more(self, store: FlakyStore, cache: WatchCache) -> None:
        watcher, other = Watcher(cache, PODS, 0), Watcher(cache, PODS, 0)
        watcher.subscription.close()
        watcher.subscription.close()
        await put(store, cache, PODS + "a/x")
        assert (watcher.told, watcher.lost, len(other.told)) == ([], 0, 1)

    async def test_closed_by_a_sink_before_its_turn(self, store: FlakyStore, cache: WatchCache) -> None:
        cache.subscribe(PODS, 0, lambda _: watcher.subscription.close(), lambda: None)
        watcher = Watcher(cache, PODS, 0)
        await put(store, cache, PODS + "a/x")
        assert watcher.told == []

    async def test_a_sink_that_fails_harms_itself_alone(self, store: FlakyStore, cache: WatchCache) -> None:
        lost: list[str] = []

        def fail(changes: Sequence[Change]) -> None:
            raise ValueError("broken")

        cache.subscribe(PODS, 0, fail, lambda: lost.append("once"))
        watcher = Watcher(cache, PODS, 0)
        await put(store, cache, PODS + "a/x")
        await put(store, cache, PODS + "a/x")
        assert (lost, len(watcher.told)) == (["once"], 2)

    async def test_who_follows_goes_on_after_what_was_missed(self, store: FlakyStore, cache: WatchCache) -> None:
        told: list[str] = []
        following = cache.follow(PODS, lambda changes: told.append(changes[0].entry.key), lambda: told.append("lost"))
        cache.interrupt(PODS)
        await put(store, cache, PODS + "a/x")
        following.close()
        cache.interrupt(PODS)
        await put(store, cache, PODS + "a/y")
        assert told == ["lost", PODS + "a/x"]


class TestFailures:
    async def test_an_unavailable_store_is_followed_again(self, store: FlakyStore, cache: WatchCache) -> None:
        watcher = Watcher(cache, PODS, 0)
        store.failures.append(UnavailableError("no quorum"))
        await put(store, cache, PODS + "a/x")
        assert (watcher.told, watcher.lost) == ([("ADDED", PODS + "a/x", 1)], 0)

    async def test_a_long_outage_is_told_once(
        self, store: FlakyStore, cache: WatchCache, caplog: pytest.LogCaptureFixture
    ) -> None:
        store.failures += [UnavailableError("no quorum")] * 3
        await put(store, cache, PODS + "a/x")
        store.failures.append(UnavailableError("no quorum"))
        await put(store, cache, PODS + "a/y")
        assert [record.message for record in caplog.records] == [
            "the store's watch failed and is tried again: no quorum"
        ] * 2

    async def test_a_store_that_forgot_is_loaded_again(self, store: FlakyStore, cache: WatchCache) -> None:
        await put(store, cache, PODS + "a/x", PODS + "a/y", app="web")
        kept = cache.get(PODS + "a/x")
        watcher = Watcher(cache, PODS, 1)
        store.failures.append(CompactedError(2))
        await store.commit([Write(PODS + "a/z", b"{}"), Write(PODS + "a/y", None)])
        await cache.wait(2)
        await asyncio.sleep(0)
        assert (watcher.told, watcher.lost) == ([], 1)
        assert keys(cache, PODS) == [PODS + "a/x", PODS + "a/z"]
        assert keys(cache, PODS, label="app=web") == [PODS + "a/x"]
        assert cache.get(PODS + "a/x") is kept, "what has not changed keeps its encodings"
        with pytest.raises(CompactedError):
            Watcher(cache, PODS, 1)
        await put(store, cache, PODS + "a/x")
        assert len(watcher.told) == 0

    async def test_waiting_ends_with_the_cache(self, cache: WatchCache) -> None:
        waiting = asyncio.create_task(cache.wait(9))
        await asyncio.sleep(0)
        await cache.stop()
        with pytest.raises(UnavailableError):
            await waiting

    async def test_a_waiter_that_gives_up_harms_nobody(self, store: FlakyStore, cache: WatchCache) -> None:
        waiters = [asyncio.create_task(cache.wait(1)) for _ in range(2)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        await put(store, cache, PODS + "a/x")
        await waiters[1]


async def test_what_is_indexed_again_has_its_new_fields_and_no_encodings(store: FlakyStore) -> None:
    name = "old"
    cache = WatchCache(store, lambda key, value: ({name: ""}, {"name": name}))
    await store.commit([Write(f"{PODS}a", b"{}", expected=0)])
    await cache.start()
    before = cache.range(PODS)[0]
    before.encodings["v2"] = b"x"
    name = "new"
    cache.reindex(PODS)
    after = cache.range(PODS, label=("new", ""))[0]
    assert (after.key, after.fields, after.encodings) == (before.key, {"name": "new"}, {})
    assert not cache.range(PODS, label=("old", ""))
    await cache.stop()


async def test_what_was_lately_is_indexed_again_too(store: FlakyStore) -> None:
    name, seen = "old", list[Change]()
    cache = WatchCache(store, lambda key, value: ({}, {"name": name}))
    await cache.start()
    for _ in range(2):
        await put(store, cache, f"{PODS}a")
    name = "new"
    cache.reindex(PODS)
    cache.subscribe(PODS, 0, seen.extend, lambda: None)
    shown = [entry.fields for change in seen for entry in (change.entry, change.previous) if entry]
    assert shown == [{"name": "new"}] * 3
    await cache.stop()


class LockedStore(FlakyStore):
    """What begins with a lock cannot be read, unless somebody has the key."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False

    def seen(self, value: bytes) -> bytes:
        if not value.startswith(b"locked"):
            return value
        return value.removeprefix(b"locked") if self.open else Unreadable("it is locked")

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        page = await super().range(prefix, start=start, limit=limit, revision=revision)
        return replace(page, records=[replace(record, value=self.seen(record.value)) for record in page.records])

    async def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        async for events in super().watch(prefix, after):
            yield [replace(e, value=e.value and self.seen(e.value), previous=self._before(e)) for e in events]

    def _before(self, event: Event) -> Record | None:
        return event.previous and replace(event.previous, value=self.seen(event.previous.value))


class TestWhatCannotBeRead:
    X, Y, LOCKED = PODS + "a/x", PODS + "a/y", b'locked{"app": "web"}'

    @pytest.fixture
    def store(self) -> LockedStore:
        return LockedStore()

    async def put(self, store: LockedStore, cache: WatchCache, key: str, value: bytes | None) -> int:
        revision = await store.commit([Write(key, value)])
        await cache.wait(revision)
        return revision

    async def test_is_left_out_with_its_reason(self, store: LockedStore) -> None:
        await store.commit([Write(self.X, self.LOCKED), Write(self.Y, b"{}")])
        cache = WatchCache(store, index)
        await cache.start()
        assert (keys(cache, PODS), list(cache.unreadable)) == ([self.Y], [self.X])
        for prefix in (self.X, PODS, PODS + "a/"):
            with pytest.raises(UnreadableError) as refused:
                cache.unreadable.check(prefix)
            assert str(refused.value) == f'unable to transform key "{self.X}": it is locked'
        for prefix in (self.Y, PODS + "b/", "/registry/secrets/"):
            cache.unreadable.check(prefix)
        await cache.stop()

    async def test_what_it_was_before_stays_and_nobody_is_told_that_it_is_gone(
        self, store: LockedStore, cache: WatchCache
    ) -> None:
        await self.put(store, cache, self.X, b"{}")
        watcher = Watcher(cache, PODS, cache.revision)
        assert await self.put(store, cache, self.X, self.LOCKED) == cache.revision
        entry = cache.get(self.X)
        assert (watcher.told, entry and entry.value, list(cache.unreadable)) == ([], b"{}", [self.X])

    async def test_its_end_is_told_to_who_knew_of_it(self, store: LockedStore, cache: WatchCache) -> None:
        await self.put(store, cache, self.X, b"{}")
        await self.put(store, cache, self.X, self.LOCKED)
        await self.put(store, cache, self.Y, self.LOCKED)
        watcher = Watcher(cache, PODS, cache.revision)
        await self.put(store, cache, self.X, None)
        await self.put(store, cache, self.Y, None)
        assert (watcher.told, cache.unreadable, cache.fault) == ([("DELETED", self.X, 4)], {}, "")

    async def test_a_value_that_can_be_read_is_news(self, store: LockedStore, cache: WatchCache) -> None:
        await self.put(store, cache, self.X, self.LOCKED)
        watcher = Watcher(cache, PODS, cache.revision)
        await self.put(store, cache, self.X, b"{}")
        assert (watcher.told, cache.unreadable) == ([("ADDED", self.X, 2)], {})

    async def test_a_key_that_was_found(self, store: LockedStore, cache: WatchCache) -> None:
        await self.put(store, cache, self.X, self.LOCKED)
        mine, other = Watcher(cache, PODS, 1), Watcher(cache, "/registry/secrets/", 1)
        store.open = True
        await cache.reread(PODS)
        entry = cache.get(self.X)
        assert entry and (entry.revision, entry.labels, cache.unreadable) == (1, {"app": "web"}, {})
        assert (mine.lost, other.lost) == (1, 0), "it has missed something"
        await self.put(store, cache, self.X, b"{}")
        assert cache.get(self.X)

    async def test_a_key_that_was_lost(self, store: LockedStore, cache: WatchCache) -> None:
        store.open = True
        await self.put(store, cache, self.X, self.LOCKED)
        watcher = Watcher(cache, PODS, 1)
        store.open = False
        await cache.reread(PODS)
        assert (list(cache.unreadable), watcher.lost) == ([self.X], 0)

    async def test_looking_again_does_not_undo_what_happens_meanwhile(
        self, store: LockedStore, cache: WatchCache
    ) -> None:
        for key in (self.X, self.Y):
            await self.put(store, cache, key, self.LOCKED)
        before = await store.range(PODS)
        store.open = True
        stale = [replace(record, value=b'{"old": "yes"}') for record in before.records]

        async def late(prefix: str, **rest: int) -> Page:
            await self.put(store, cache, self.X, b"{}")
            await self.put(store, cache, self.Y, None)
            return replace(before, records=stale)

        store.range = late  # type: ignore[assignment, method-assign]
        await cache.reread(PODS)
        entry = cache.get(self.X)
        assert (entry and entry.value, cache.get(self.Y), cache.unreadable) == (b"{}", None, {})
