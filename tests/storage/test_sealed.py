"""Resources that are encrypted, over every engine: what lies there, what is read, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from knarr.storage.sealing.ciphers import GCM
from knarr.storage.sealing.providers import Identity, Keyed, Provider, Providers
from knarr.storage.sealing.store import SealedStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import ConflictError, Event, Store, Unreadable, Write

SECRETS, PODS = "/registry/secrets/a/", "/registry/pods/a/"
PLAIN = b'{"kind":"Secret","data":"hunter2"}'


class OfSecrets:
    """Secrets by these providers, everything else as it is."""

    def __init__(self, *members: Provider) -> None:
        self._providers = Providers(members, "no matching prefix found")

    def of(self, key: str) -> Provider | None:
        return self._providers if key.startswith("/registry/secrets/") else None


def key(name: str) -> Providers:
    return Providers([Keyed(name, GCM(name.encode().ljust(32)))], "no matching key", b"k8s:enc:aesgcm:v1:")


def sealed(store: Store, *members: Provider) -> SealedStore:
    return SealedStore(store, OfSecrets(*members), decode=lambda _, value: value)


async def events(store: Store, after: int, count: int) -> Sequence[Event]:
    found: list[Event] = []
    watch: Any = store.watch("", after)
    async with aclosing(watch) as batches:
        async for batch in batches:
            found += batch
            if len(found) >= count:
                return found
    raise AssertionError(found)


async def test_what_is_read_is_plain_and_what_lies_there_is_not(store: Store) -> None:
    through = sealed(store, key("k"))
    await through.commit([Write(SECRETS + "s", PLAIN), Write(PODS + "p", PLAIN)])
    record = await through.get(SECRETS + "s")
    assert record and record.value == PLAIN
    assert [each.value for each in (await through.range("/registry/")).records] == [PLAIN, PLAIN]
    lying = {each.key: each.value for each in (await store.range("/registry/")).records}
    assert lying[PODS + "p"] == PLAIN
    assert lying[SECRETS + "s"].startswith(b"k8s:enc:aesgcm:v1:k:") and b"hunter2" not in lying[SECRETS + "s"]


async def test_watches_and_conflicts_show_plain_values(store: Store) -> None:
    through = sealed(store, key("k"))
    first = await through.commit([Write(SECRETS + "s", PLAIN)])
    await through.commit([Write(SECRETS + "s", b"{}", expected=first)])
    with pytest.raises(ConflictError) as conflict:
        await through.commit([Write(SECRETS + "s", PLAIN, expected=first)])
    assert conflict.value.current and conflict.value.current.value == b"{}"
    await through.commit([Write(SECRETS + "s", None)])
    seen = [(e.value, e.previous and e.previous.value) for e in await events(through, 0, 3)]
    assert seen == [(PLAIN, None), (b"{}", PLAIN), (None, b"{}")]


async def test_old_revisions_are_plain_too(store: Store) -> None:
    through = sealed(store, key("k"))
    first = await through.commit([Write(SECRETS + "s", PLAIN)])
    await through.commit([Write(SECRETS + "s", b"{}")])
    assert [each.value for each in (await through.range(SECRETS, revision=first)).records] == [PLAIN]


async def test_stale_is_what_would_be_written_otherwise_now(store: Store) -> None:
    await sealed(store, key("old")).commit([Write(SECRETS + "old", PLAIN)])
    await store.commit([Write(SECRETS + "plain", PLAIN), Write(PODS + "p", PLAIN)])
    through = sealed(store, key("new"), key("old"), Identity())
    await through.commit([Write(SECRETS + "new", PLAIN)])
    names = [SECRETS + "old", SECRETS + "plain", SECRETS + "new", SECRETS + "none", PODS + "p"]
    assert [await through.stale(name) for name in names] == [True, True, False, False, False]
    assert [each.value for each in (await through.range(SECRETS)).records] == [PLAIN] * 3


async def test_what_nobody_can_read_keeps_nobody_from_the_rest(store: Store) -> None:
    await sealed(store, key("lost")).commit([Write(SECRETS + "a", PLAIN)])
    through = sealed(store, key("k"))
    await through.commit([Write(SECRETS + "b", PLAIN)])
    lost, found = (await through.range(SECRETS)).records
    assert isinstance(lost.value, Unreadable) and lost.value.why == "no matching key"
    assert (lost.modified, found.value) == (1, PLAIN)
    assert [isinstance(e.value, Unreadable) for e in await events(through, 0, 2)] == [True, False]


async def test_a_value_that_was_put_in_the_place_of_another_is_refused(store: Store) -> None:
    through = sealed(store, key("k"))
    await through.commit([Write(SECRETS + "mine", PLAIN), Write(SECRETS + "yours", b"{}")])
    mine = await store.get(SECRETS + "mine")
    assert mine
    await store.commit([Write(SECRETS + "yours", mine.value)])
    yours = await through.get(SECRETS + "yours")
    assert yours and isinstance(yours.value, Unreadable) and "authentication failed" in yours.value.why


class TestWhatStaysOnTheDisk:
    """Every file of the store, byte by byte."""

    @staticmethod
    def holds(directory: Path, text: bytes) -> bool:
        return any(text in file.read_bytes() for file in directory.iterdir())

    async def test_nothing_that_was_written_encrypted(self, tmp_path: Path) -> None:
        store = await SqliteStore.open(tmp_path / "s.db", forgetful=True)
        through = sealed(store, key("k"))
        for n in range(50):
            await through.commit([Write(f"{SECRETS}{n}", PLAIN), Write(f"{PODS}{n}", b"a pod")])
        assert not self.holds(tmp_path, b"hunter2") and self.holds(tmp_path, b"a pod")
        await store.close()
        assert not self.holds(tmp_path, b"hunter2")

    async def test_nothing_of_what_was_plain_once_its_past_is_compacted(self, tmp_path: Path) -> None:
        """Written plain by a server without encryption, some of it deleted; then rewritten by one with."""
        store = await SqliteStore.open(tmp_path / "s.db")
        for n in range(200):
            await store.commit([Write(f"{SECRETS}{n}", PLAIN * 20)])
        await store.compact(await store.commit([Write(f"{SECRETS}{n}", None) for n in range(100)]))
        await store.close()
        store = await SqliteStore.open(tmp_path / "s.db", forgetful=True)
        through = sealed(store, key("k"), Identity())
        for record in (await through.range(SECRETS)).records:
            await through.commit([Write(record.key, record.value)])
        assert self.holds(tmp_path, b"hunter2"), "the past can still be read"
        await store.compact(await store.revision())
        assert not self.holds(tmp_path, b"hunter2")
        assert len((await through.range(SECRETS)).records) == 100
        await store.close()
