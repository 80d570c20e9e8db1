"""A store that keeps some resources encrypted in another one: what is read through it is plain, what lies there is not.

It stands between the engine and the watch cache, so every engine has it, the cache holds plain values, and who encrypts
nothing does not have it in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from knarr.machinery.remembering import Bounded
from knarr.storage.sealing import SealError
from knarr.storage.sealing.providers import Provider, opened
from knarr.storage.store import ConflictError, Event, Page, Record, Store, Unreadable, Write

_LATELY = 1000  # values
_AT_ONCE = 500  # values that are opened before others have their turn
Decode = Callable[[str, bytes], bytes]
Place = Callable[[str], bytes]


class Seals(Protocol):
    """Who seals what."""

    def of(self, key: str) -> Provider | None:
        """What the value of a key is sealed by; None: not at all."""


class SealedStore:
    """The Store protocol over `store`.

    `place` makes of a key what the engine itself calls it, to which values are bound. `decode` reads what other servers
    have sealed. What cannot be opened is Unreadable, and says why.
    """

    def __init__(self, store: Store, seals: Seals, *, place: Place = str.encode, decode: Decode) -> None:
        self._store = store
        self._seals = seals
        # What was written and watched of late: a watch shows a writer's own values, and each value twice.
        self._lately: Bounded[tuple[str, bytes], bytes] = Bounded(_LATELY)
        self._place = place
        self._decode = decode
        self.revision, self.compact, self.close = store.revision, store.compact, store.close

    def seal_by(self, seals: Seals) -> None:
        """Seal, and open, by these from now on."""
        self._seals = seals
        self._lately.clear()

    async def get(self, key: str) -> Record | None:
        record = await self._store.get(key)
        return record and await self._record(record)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        page = await self._store.range(prefix, start=start, limit=limit, revision=revision)
        records: list[Record] = []
        for record in page.records:
            records.append(await self._record(record))
            if len(records) % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return Page(records, page.revision, page.remaining)

    async def commit(self, writes: Sequence[Write]) -> int:
        """Raises SealError too: then nothing of it happened."""
        try:
            return await self._store.commit([self._sealed(write) for write in writes])
        except ConflictError as conflict:
            current = conflict.current and await self._record(conflict.current)
            raise ConflictError(conflict.key, current) from None

    async def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        watch: Any = self._store.watch(prefix, after)
        async with aclosing(watch) as batches:
            async for events in batches:
                yield [await self._event(event) for event in events]

    async def stale(self, key: str) -> bool:
        """Whether what lies there would be sealed otherwise now, and be better written again."""
        seal = self._seals.of(key)
        record = await self._store.get(key) if seal else None
        try:
            return bool(seal and record and (await opened(seal, record.value, self._place(key))).stale)
        except SealError:
            return False

    def _sealed(self, write: Write) -> Write:
        seal = self._seals.of(write.key) if write.value is not None else None
        if seal is None or write.value is None:
            return write
        value = seal.seal(write.value, self._place(write.key))
        self._lately.keep((write.key, value), write.value)
        return Write(write.key, value, write.expected, write.ttl)

    async def _record(self, record: Record) -> Record:
        value = await self._opened(record.key, record.value)
        return record if value is record.value else _with(record, value)

    async def _event(self, event: Event) -> Event:
        if self._seals.of(event.key) is None:
            return event
        value = None if event.value is None else await self._watched(event.key, event.value)
        previous = event.previous and _with(event.previous, await self._watched(event.key, event.previous.value))
        return Event(event.key, value, event.revision, event.created, previous)

    async def _watched(self, key: str, value: bytes) -> bytes:
        known = self._lately.get((key, value))
        if known is None:
            known = await self._opened(key, value)
            if not isinstance(known, Unreadable):
                self._lately.keep((key, value), known)
        return known

    async def _opened(self, key: str, value: bytes) -> bytes:
        seal = self._seals.of(key)
        if seal is None:
            return value
        try:
            plain, _ = await opened(seal, value, self._place(key))
        except SealError as error:
            return Unreadable(str(error))
        return plain if plain is value else self._decode(key, plain)


def _with(record: Record, value: bytes) -> Record:
    return Record(record.key, value, record.created, record.modified)
