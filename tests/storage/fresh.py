"""A store that others have used before, as if it were new: keys of its own, and revisions that begin at 0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from msgspec.structs import replace

from knarr.storage.store import CompactedError, ConflictError, Event, FutureRevisionError, Page, Record, Store, Write


class FreshStore:
    """A Store within another one. Made by `made`."""

    def __init__(self, store: Store, prefix: str, base: int) -> None:
        self._store = store
        self._prefix = prefix
        self._base = base

    @classmethod
    async def made(cls, store: Store, prefix: str) -> FreshStore:
        return cls(store, prefix, await store.revision())

    async def revision(self) -> int:
        return await self._store.revision() - self._base

    async def get(self, key: str) -> Record | None:
        record = await self._store.get(self._prefix + key)
        return record and self._record(record)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        begin = self._prefix + start if start else ""
        with self._translated():
            page = await self._store.range(
                self._prefix + prefix, start=begin, limit=limit, revision=revision and revision + self._base
            )
        return Page([self._record(record) for record in page.records], page.revision - self._base, page.remaining)

    async def commit(self, writes: Sequence[Write]) -> int:
        shifted = [
            replace(w, key=self._prefix + w.key, expected=w.expected and w.expected + self._base) for w in writes
        ]
        with self._translated():
            return await self._store.commit(shifted) - self._base

    async def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        watch: Any = self._store.watch(self._prefix + prefix, after + self._base)
        with self._translated():
            async with aclosing(watch) as batches:
                async for events in batches:
                    yield [self._event(event) for event in events]

    async def compact(self, revision: int) -> None:
        with self._translated():
            await self._store.compact(revision + self._base)

    async def close(self) -> None:
        await self._store.close()

    def _record(self, record: Record) -> Record:
        key = record.key.removeprefix(self._prefix)
        return replace(record, key=key, created=record.created - self._base, modified=record.modified - self._base)

    def _event(self, event: Event) -> Event:
        return Event(
            event.key.removeprefix(self._prefix),
            event.value,
            event.revision - self._base,
            event.created - self._base,
            event.previous and self._record(event.previous),
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ConflictError as error:
            current = error.current and self._record(error.current)
            raise ConflictError(error.key.removeprefix(self._prefix), current) from None
        except CompactedError as error:
            raise CompactedError(error.oldest - self._base) from None
        except FutureRevisionError as error:
            raise FutureRevisionError(error.current - self._base) from None
