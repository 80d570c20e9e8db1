"""The default store: one SQLite file, one writer, and its newest state in memory.

Commits wait in a queue while the disk is busy; those that wait are decided in order and written as one transaction with
one sync. Only what is on the disk is applied, answered and told to watches. Letting SQLite find conflicts and answer
reads instead, as kine does, writes as fast (measured), but puts each read in the writer's way and needs the rules of a
commit a second time, in SQL. Memory holds little beyond what the watch cache holds anyway, as both share the values.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from knarr.machinery.clock import Clock, RealClock
from knarr.storage.eventlog import Contents, EventLog, Row, row_id
from knarr.storage.history import History, News
from knarr.storage.leases import Leases
from knarr.storage.retention import Retention
from knarr.storage.state import State, check_writes, record_after
from knarr.storage.store import (
    CompactedError,
    ConflictError,
    Event,
    FutureRevisionError,
    Page,
    Record,
    UnavailableError,
    Write,
)

T = TypeVar("T")

KEEP_SECONDS = 300  # as upstream's API server tells etcd
KEEP_REVISIONS = 100_000
KEEP_BYTES = 256 << 20
BATCH = 500  # commits
TAIL = 256  # events in memory for watches that keep up; others read the file


@dataclass(slots=True)
class Commit:
    """Somebody's writes, and what became of them."""

    writes: Sequence[Write]
    done: asyncio.Future[int]
    events: list[Event] = field(default_factory=list)
    revision: int = 0
    conflict: ConflictError | None = None
    ends: dict[str, int] = field(default_factory=dict)


class SqliteStore:
    """The Store protocol over one file, which no other process can open meanwhile. Made by `open`."""

    def __init__(
        self,
        log: EventLog,
        thread: ThreadPoolExecutor,
        contents: Contents,
        clock: Clock,
        *,
        keep_seconds: float,
        keep_revisions: int,
        keep_bytes: int,
    ) -> None:
        self._log = log
        self._thread = thread
        self._state = State(contents.revision, contents.records)
        self._floor = contents.compacted
        self._tail: History[Event] = History(floor=contents.revision)
        self._news = News()
        self._queue: list[Commit] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._retention = Retention(
            clock,
            self.compact,
            seconds=keep_seconds,
            revisions=keep_revisions,
            size=keep_bytes,
            floor=contents.compacted,
        )
        self._leases = Leases(clock, self.commit)
        for key, end in contents.ends.items():
            self._leases.grant(key, self._state.records[key].modified, end)

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Clock | None = None,
        *,
        keep_seconds: float = KEEP_SECONDS,
        keep_revisions: int = KEEP_REVISIONS,
        keep_bytes: int = KEEP_BYTES,
        forgetful: bool = False,
    ) -> SqliteStore:
        """Open or make the file; `keep_*` bound the past that range and watch can reach. `forgetful`: what has been
        compacted away is not to be found in the files either. Raises UnavailableError.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            log, contents = await asyncio.get_running_loop().run_in_executor(thread, _open, path, forgetful)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        clock = clock or RealClock()
        keep = {"keep_revisions": keep_revisions, "keep_bytes": keep_bytes}
        return cls(log, thread, contents, clock, keep_seconds=keep_seconds, **keep)

    async def revision(self) -> int:
        return self._state.revision

    async def get(self, key: str) -> Record | None:
        return self._state.records.get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        if revision in {0, self._state.revision}:
            return self._state.range(prefix, start, limit)
        if revision > self._state.revision:
            raise FutureRevisionError(self._state.revision)
        self._check_retained(revision)
        page = await self._call(self._log.range, prefix, start, limit, revision)
        self._check_retained(revision)  # it may have been swept while the read waited for its turn
        return page

    async def commit(self, writes: Sequence[Write]) -> int:
        if self._closed:
            raise UnavailableError("the store is closed")
        check_writes(writes)
        commit = Commit(writes, asyncio.get_running_loop().create_future())
        self._queue.append(commit)
        self._write_next()
        return await commit.done

    def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._news.follow(prefix, after, self._events_after)

    async def compact(self, revision: int) -> None:
        if revision > self._state.revision:
            raise FutureRevisionError(self._state.revision)
        if revision <= self._floor:
            return
        await self._call(self._log.compact, revision)
        self._floor = max(self._floor, revision)
        self._tail.forget(revision)
        while await self._call(self._log.sweep):
            pass
        while await self._call(self._log.shrink):
            pass
        await self._call(self._log.forget)

    async def backup(self, path: Path) -> None:
        """Write a copy to a new file; to restore it, put it in the place of this one. Raises UnavailableError."""
        await self._call(self._log.backup, path)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self._leases.close()
        await self._retention.close()
        while self._writing:
            await self._writing
        self._news.close()
        await self._call(self._log.close)
        self._thread.shutdown()

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        try:
            result = asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        except RuntimeError as error:  # the thread takes no more
            raise UnavailableError("the store is closed") from error
        return await result

    def _check_retained(self, revision: int) -> None:
        if revision < self._floor:
            raise CompactedError(self._floor)

    async def _events_after(self, revision: int) -> list[Event]:
        if revision >= self._tail.floor:
            return self._tail.after(revision)
        self._check_retained(revision)
        events = await self._call(self._log.replay, revision)
        self._check_retained(revision)
        return events

    def _write_next(self) -> None:
        """Start on what is queued, unless the disk is busy. As a task, so that callers just woken can still join."""
        if self._queue and self._writing is None:
            self._writing = asyncio.create_task(self._write_batch(), name="store writer")

    async def _write_batch(self) -> None:
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        try:
            if rows := self._decide(batch):
                await self._call(self._log.append, rows)
        except Exception as error:
            _fail(batch, error)
        else:
            self._apply(batch)
        finally:
            self._writing = None
        self._write_next()

    def _decide(self, batch: Sequence[Commit]) -> list[Row]:
        """What is to be written, each commit seeing those before it. Conflicts are answered with the batch, when what
        they met is durable.
        """
        revision, pending, rows = self._state.revision, dict[str, Record | None](), list[Row]()
        for commit in batch:
            try:
                commit.events = self._state.decide(commit.writes, revision + 1, pending)
            except ConflictError as conflict:
                commit.conflict = conflict
            if commit.events:
                revision += 1
                pending.update((event.key, record_after(event)) for event in commit.events)
                rows += self._rows(commit)
            commit.revision = revision
        return rows

    def _rows(self, commit: Commit) -> list[Row]:
        commit.ends = {write.key: self._leases.end_of(write.ttl) for write in commit.writes if write.ttl is not None}
        return [
            Row(row_id(event.revision, position), event.key, event.created, commit.ends.get(event.key), event.value)
            for position, event in enumerate(commit.events)
        ]

    def _apply(self, batch: Sequence[Commit]) -> None:
        for commit in batch:
            self._state.apply(commit.events)
            self._tail.extend(commit.events)
            for key, end in commit.ends.items():
                self._leases.grant(key, commit.revision, end)
        self._tail.trim(TAIL)
        self._retention.note(self._state.revision, sum(_size(commit) for commit in batch))
        self._news.spread()  # first, so that who is answered need not wait for the watch cache to hear of it
        for commit in batch:
            _answer(commit)


def _open(path: Path, forgetful: bool) -> tuple[EventLog, Contents]:
    log = EventLog(path, forgetful=forgetful)
    try:
        return log, log.contents()
    except BaseException:
        log.close()
        raise


def _size(commit: Commit) -> int:
    """How much it adds to the log, about: values and keys."""
    return sum(len(event.value or b"") + len(event.key) for event in commit.events)


def _answer(commit: Commit) -> None:
    if commit.done.done():  # its caller has gone
        return
    if commit.conflict:
        commit.done.set_exception(commit.conflict)
    else:
        commit.done.set_result(commit.revision)


def _fail(batch: Sequence[Commit], error: Exception) -> None:
    """Answer all with the error; each gets its own, since a raised exception gathers the traceback of who met it."""
    for commit in batch:
        if not commit.done.done():
            commit.done.set_exception(UnavailableError(str(error)) if isinstance(error, UnavailableError) else error)
