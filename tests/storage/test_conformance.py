"""The promises of knarr.storage.store, kept by every engine."""

from __future__ import annotations

import asyncio

import pytest

from knarr.storage.store import (
    CompactedError,
    ConflictError,
    Event,
    FutureRevisionError,
    Page,
    Record,
    Store,
    StoreError,
    Write,
)
from tests.storage.conftest import Elapse


async def put(store: Store, key: str, value: bytes = b"v", expected: int | None = None) -> int:
    return await store.commit([Write(key, value, expected)])


async def delete(store: Store, key: str) -> int:
    return await store.commit([Write(key, None)])


async def take(store: Store, prefix: str, after: int, number: int) -> list[Event]:
    """The next events, as many as that."""
    events: list[Event] = []
    async with asyncio.timeout(5):
        async for batch in store.watch(prefix, after):
            events += batch
            if len(events) >= number:
                break
    return events


def keys(page: Page) -> list[str]:
    return [record.key for record in page.records]


async def test_an_empty_store_has_nothing(store: Store) -> None:
    assert await store.revision() == 0
    assert await store.get("/a") is None
    assert await store.range("/") == Page([], 0, 0)


async def test_each_commit_takes_the_next_revision(store: Store) -> None:
    assert [await put(store, key) for key in ("/a", "/b", "/a")] == [1, 2, 3]
    assert await store.revision() == 3
    assert await store.get("/a") == Record("/a", b"v", created=1, modified=3)


async def test_writes_of_one_commit_share_its_revision(store: Store) -> None:
    assert await store.commit([Write("/a", b"1"), Write("/b", b"2")]) == 1
    assert (await store.range("/")).records == [Record("/a", b"1", 1, 1), Record("/b", b"2", 1, 1)]


@pytest.mark.parametrize(
    ("there", "expected", "succeeds"),
    [
        pytest.param(False, 0, True, id="create what is not there"),
        pytest.param(True, 0, False, id="create what is there"),
        pytest.param(True, 1, True, id="update the version seen"),
        pytest.param(True, 7, False, id="update another version"),
        pytest.param(False, 1, False, id="update what is gone"),
        pytest.param(True, None, True, id="overwrite"),
        pytest.param(False, None, True, id="overwrite nothing"),
    ],
)
@pytest.mark.parametrize("value", [b"new", None], ids=["put", "delete"])
async def test_compare_and_swap(
    store: Store, there: bool, expected: int | None, succeeds: bool, value: bytes | None
) -> None:
    if there:
        await put(store, "/a", b"old")
    before = await store.get("/a")
    if succeeds:
        await store.commit([Write("/a", value, expected)])
        after = await store.get("/a")
        assert (after.value if after else None) == value
        return
    with pytest.raises(ConflictError) as conflict:
        await store.commit([Write("/a", value, expected)])
    assert (conflict.value.key, conflict.value.current) == ("/a", before)
    assert await store.get("/a") == before


async def test_a_conflict_undoes_the_whole_commit(store: Store) -> None:
    await put(store, "/b")
    with pytest.raises(ConflictError):
        await store.commit([Write("/a", b"1"), Write("/b", b"2", expected=0)])
    assert keys(await store.range("/")) == ["/b"]
    assert await store.revision() == 1


async def test_deleting_nothing_changes_nothing(store: Store) -> None:
    await put(store, "/a")
    assert await delete(store, "/b") == 1
    assert await store.revision() == 1


async def test_a_key_made_again_is_new(store: Store) -> None:
    await put(store, "/a")
    await delete(store, "/a")
    await put(store, "/a", expected=0)
    assert await store.get("/a") == Record("/a", b"v", created=3, modified=3)


async def test_a_commit_writes_a_key_once(store: Store) -> None:
    with pytest.raises(ValueError, match="once"):
        await store.commit([Write("/a", b"1"), Write("/a", b"2")])
    assert await store.revision() == 0


async def test_concurrent_creators_have_one_winner(store: Store) -> None:
    outcomes = await asyncio.gather(*(put(store, "/a", b"%d" % n, 0) for n in range(20)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert winners == [1]
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 19


async def test_concurrent_increments_lose_none(store: Store) -> None:
    await put(store, "/n", b"0")

    async def increment() -> None:
        while True:
            record = await store.get("/n")
            assert record
            try:
                await put(store, "/n", b"%d" % (int(record.value) + 1), record.modified)
            except ConflictError:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(20)))
    assert await store.get("/n") == Record("/n", b"20", created=1, modified=21)


async def test_a_commit_is_seen_by_reads_that_begin_after_it(store: Store) -> None:
    for n in range(50):
        revision = await put(store, f"/{n}")
        record, page = await asyncio.gather(store.get(f"/{n}"), store.range(f"/{n}"))
        assert record and record.modified == revision == page.revision == await store.revision()


async def test_a_commit_whose_caller_has_gone_leaves_the_store_well(store: Store) -> None:
    task = asyncio.create_task(put(store, "/a"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    revision = await put(store, "/b")
    assert [event.revision for event in await take(store, "/b", 0, 1)] == [revision]


class TestRange:
    async def test_is_in_byte_order_and_of_the_prefix(self, store: Store) -> None:
        for key in ("/p/b", "/p/é", "/p/a", "/p/A", "/p/a-1", "/p/a/1", "/pp", "/o/z", "/p"):
            await put(store, key)
        assert keys(await store.range("/p/")) == ["/p/A", "/p/a", "/p/a-1", "/p/a/1", "/p/b", "/p/é"]

    @pytest.mark.parametrize("revision", [0, 5, 9], ids=["newest", "past", "named newest"])
    async def test_pages_join_to_the_whole(self, store: Store, revision: int) -> None:
        for n in range(9):
            await put(store, f"/p/{n}")
        whole = keys(await store.range("/p/", revision=revision))
        start, pages = "", []
        while True:
            page = await store.range("/p/", start=start, limit=2, revision=revision)
            pages += keys(page)
            assert page.remaining == len(whole) - len(pages)
            if not page.remaining:
                break
            start = pages[-1] + "\0"
        assert pages == whole == [f"/p/{n}" for n in range(revision or 9)]

    async def test_of_the_past_is_what_it_was_then(self, store: Store) -> None:
        snapshots = [await store.range("/")]
        for write in (
            [Write("/a", b"1"), Write("/b", b"1")],
            [Write("/a", b"2")],
            [Write("/a", None), Write("/c", b"3")],
            [Write("/a", b"4")],
            [Write("/b", None)],
        ):
            await store.commit(write)
            snapshots.append(await store.range("/"))
        again = [await store.range("/", revision=revision) for revision in range(1, 6)]
        assert again == snapshots[1:]

    async def test_of_the_future_is_refused(self, store: Store) -> None:
        await put(store, "/a")
        with pytest.raises(FutureRevisionError) as refusal:
            await store.range("/", revision=2)
        assert refusal.value.current == 1


class TestWatch:
    async def test_replays_from_any_revision_with_what_was_there_before(self, store: Store) -> None:
        await put(store, "/a", b"1")
        await put(store, "/a", b"2")
        await delete(store, "/a")
        await put(store, "/a", b"4")
        first, second = Record("/a", b"1", 1, 1), Record("/a", b"2", 1, 2)
        events = [
            Event("/a", b"1", 1, 1, None),
            Event("/a", b"2", 2, 1, first),
            Event("/a", None, 3, 1, second),
            Event("/a", b"4", 4, 4, None),
        ]
        for after in range(4):
            assert await take(store, "/", after, 4 - after) == events[after:]

    async def test_goes_on_with_what_happens_next(self, store: Store) -> None:
        await put(store, "/a")
        watching = asyncio.create_task(take(store, "/", 0, 3))
        for key in ("/b", "/c"):
            await asyncio.sleep(0)
            await put(store, key)
        assert [(event.key, event.revision) for event in await watching] == [("/a", 1), ("/b", 2), ("/c", 3)]

    async def test_may_wait_for_a_revision_to_come(self, store: Store) -> None:
        watching = asyncio.create_task(take(store, "/", 2, 1))
        for key in ("/a", "/b", "/c"):
            await put(store, key)
        assert [event.key for event in await watching] == ["/c"]

    async def test_tells_of_its_prefix_alone(self, store: Store) -> None:
        for key in ("/p/a", "/q/a", "/p/b"):
            await put(store, key)
        assert [event.key for event in await take(store, "/p/", 0, 2)] == ["/p/a", "/p/b"]

    async def test_never_splits_a_commit(self, store: Store) -> None:
        for n in range(5):
            await store.commit([Write(f"/{n}/{m}", b"v") for m in range(700)])
        async with asyncio.timeout(10):
            seen = 0
            async for batch in store.watch("/", 0):
                by_revision = {event.revision for event in batch}
                assert len(batch) == 700 * len(by_revision)
                assert min(by_revision) == seen + 1
                seen = max(by_revision)
                if seen == 5:
                    break

    async def test_all_watches_see_all_of_a_busy_store_in_order(self, store: Store) -> None:
        watches = [asyncio.create_task(take(store, "/", 0, 300)) for _ in range(3)]
        await asyncio.gather(*(put(store, f"/{n}") for n in range(300)))
        for watch in watches:
            assert [event.revision for event in await watch] == list(range(1, 301))

    async def test_ends_with_the_store(self, store: Store) -> None:
        watching = asyncio.create_task(take(store, "/", 0, 1))
        await asyncio.sleep(0)
        await store.close()
        assert await watching == []

    async def test_one_that_is_cancelled_takes_no_other_along(self, store: Store) -> None:
        leaving, staying = (asyncio.create_task(take(store, "/", 0, 1)) for _ in range(2))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await put(store, "/a")
        assert len(await staying) == 1


class TestCompaction:
    async def test_keeps_what_is_seen_from_its_revision_on(self, store: Store) -> None:
        for key in ("/a", "/a", "/b", "/a"):
            await put(store, key)
        await delete(store, "/b")
        before = await store.range("/", revision=3)
        await store.compact(3)
        assert await store.range("/", revision=3) == before
        assert [event.revision for event in await take(store, "/", 3, 2)] == [4, 5]
        assert (await take(store, "/b", 3, 1))[0].previous == Record("/b", b"v", 3, 3)
        assert keys(await store.range("/")) == ["/a"]

    async def test_refuses_what_is_older(self, store: Store) -> None:
        for _ in range(4):
            await put(store, "/a")
        await store.compact(3)
        reads: list[StoreError] = []
        for read in (store.range("/", revision=2), take(store, "/", 2, 1)):
            with pytest.raises(CompactedError) as refusal:
                await read
            reads.append(refusal.value)
            assert refusal.value.oldest == 3

    async def test_to_an_older_revision_does_nothing(self, store: Store) -> None:
        for _ in range(4):
            await put(store, "/a")
        await store.compact(3)
        await store.compact(1)
        assert (await store.range("/", revision=3)).revision == 3

    async def test_of_the_future_is_refused(self, store: Store) -> None:
        with pytest.raises(FutureRevisionError):
            await store.compact(1)

    async def test_leaves_revisions_alone_when_all_is_deleted(self, store: Store) -> None:
        await put(store, "/a")
        await delete(store, "/a")
        await store.compact(2)
        assert await store.revision() == 2
        assert await put(store, "/a", expected=0) == 3


class TestTTL:
    """Of seconds: an engine may round up to whole ones, and share the end of what ends about the same time."""

    async def test_ends_a_key_with_an_event(self, store: Store, elapse: Elapse) -> None:
        await store.commit([Write("/a", b"v", ttl=1), Write("/b", b"v")])
        await elapse(0.9)
        assert await store.get("/a")
        await elapse(1.2)
        assert await take(store, "/", 1, 1) == [Event("/a", None, 2, 1, Record("/a", b"v", 1, 1))]
        assert keys(await store.range("/")) == ["/b"]

    @pytest.mark.parametrize("ttl", [None, 100], ids=["forever", "longer"])
    async def test_is_replaced_by_the_next_write(self, store: Store, elapse: Elapse, ttl: float | None) -> None:
        await store.commit([Write("/a", b"v", ttl=1)])
        await store.commit([Write("/a", b"v", ttl=ttl), Write("/z", b"v", ttl=2)])
        await elapse(1.5)
        await elapse(1)
        assert [event.key for event in await take(store, "/", 2, 1)] == ["/z"]
        assert keys(await store.range("/")) == ["/a"]

    async def test_the_shorter_ends_first(self, store: Store, elapse: Elapse) -> None:
        for key, ttl in (("/long", 2), ("/short", 1)):
            await store.commit([Write(key, b"v", ttl=ttl)])
        await elapse(1.1)
        assert [event.key for event in await take(store, "/", 2, 1)] == ["/short"]
        await elapse(1)
        assert [event.key for event in await take(store, "/", 3, 1)] == ["/long"]
