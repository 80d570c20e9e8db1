"""A store that lasts as long as its process: for tests, and for clusters that nobody will miss."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from knarr.machinery.clock import Clock, RealClock
from knarr.storage.history import History, News
from knarr.storage.leases import Leases
from knarr.storage.state import State, check_writes
from knarr.storage.store import CompactedError, Event, FutureRevisionError, Page, Record, Write

KEEP_EVENTS = 100_000


class MemoryStore:
    """The Store protocol over a dict. Retains the newest `keep` events at least."""

    def __init__(self, clock: Clock | None = None, *, keep: int = KEEP_EVENTS) -> None:
        self._keep = keep
        self._state = State()
        self._history: History[Event] = History(floor=0)
        self._news = News()
        self._leases = Leases(clock or RealClock(), self.commit)

    async def revision(self) -> int:
        return self._state.revision

    async def get(self, key: str) -> Record | None:
        return self._state.records.get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        state = self._state if revision in {0, self._state.revision} else self._state_at(revision)
        return state.range(prefix, start, limit)

    async def commit(self, writes: Sequence[Write]) -> int:
        check_writes(writes)
        events = self._state.decide(writes, self._state.revision + 1, {})
        self._state.apply(events)
        self._history.extend(events)
        self._history.trim(self._keep)
        self._grant(writes)
        self._news.spread()
        return self._state.revision

    def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        return self._news.follow(prefix, after, self._events_after)

    async def compact(self, revision: int) -> None:
        if revision > self._state.revision:
            raise FutureRevisionError(self._state.revision)
        self._history.forget(revision)

    async def close(self) -> None:
        await self._leases.close()
        self._news.close()

    async def _events_after(self, revision: int) -> list[Event]:
        return self._history.after(revision)

    def _grant(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.ttl is not None and write.value is not None:
                self._leases.grant(write.key, self._state.revision, self._leases.end_of(write.ttl))

    def _state_at(self, revision: int) -> State:
        """The state as it was: the newest one, with what has happened since undone."""
        if revision > self._state.revision:
            raise FutureRevisionError(self._state.revision)
        if revision < self._history.floor:
            raise CompactedError(self._history.floor)
        then: dict[str, Record | None] = dict(self._state.records)
        for event in reversed(self._history.after(revision)):
            then[event.key] = event.previous
        return State(revision, (record for record in then.values() if record))
