"""What happened lately, in order, for those who come late; and the news that more has happened."""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from knarr.storage.store import CompactedError, Event


def weightless(_: object) -> int:
    return 0


class Happening(Protocol):
    """Whatever happened at a revision."""

    @property
    def revision(self) -> int: ...


T = TypeVar("T", bound=Happening)

_revision = attrgetter("revision")


class History(Generic[T]):
    """All that happened after the revision `floor`. `weigh` says how many bytes an item keeps in memory."""

    __slots__ = ("_items", "_weigh", "floor", "weight")

    def __init__(self, floor: int, weigh: Callable[[T], int] = weightless) -> None:
        self.floor = floor
        self.weight = 0
        self._weigh = weigh
        self._items: list[T] = []

    def __len__(self) -> int:
        return len(self._items)

    def extend(self, items: Sequence[T]) -> None:
        self._items.extend(items)
        self.weight += sum(map(self._weigh, items))

    def precede(self, items: Sequence[T], floor: int) -> None:
        """Put all that happened after the revision `floor`, up to the floor until now, before what there is."""
        self._items[:0] = items
        self.weight += sum(map(self._weigh, items))
        self.floor = floor

    def after(self, revision: int) -> list[T]:
        """What happened after `revision`. Raises CompactedError when that reaches below the floor."""
        if revision < self.floor:
            raise CompactedError(self.floor)
        return self._items[self._end(revision) :]

    def forget(self, revision: int) -> None:
        """Raise the floor to `revision`."""
        if revision > self.floor:
            end = self._end(revision)
            self.weight -= sum(map(self._weigh, self._items[:end]))
            del self._items[:end]
            self.floor = revision

    def trim(self, keep: int, weight: int = sys.maxsize) -> None:
        """Keep the newest `keep`, of that weight, and up to an eighth more, so that calling this often is cheap."""
        surplus = len(self._items) - keep
        if surplus > keep // 8:
            self.forget(self._items[surplus - 1].revision)
        if self.weight > weight + weight // 8:
            self.forget(self._lightened(weight))

    def _lightened(self, weight: int) -> int:
        """The revision up to which to forget, to weigh no more than that; one commit stays, however heavy."""
        heavy = self.weight
        for item in self._items:
            heavy -= self._weigh(item)
            if heavy <= weight:
                return min(item.revision, self._items[-1].revision - 1)
        return self.floor

    def _end(self, revision: int) -> int:
        return bisect_right(self._items, revision, key=_revision)


class News:
    """Wakes the watches of a store after each commit."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._over = False

    def spread(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def close(self) -> None:
        """End all watches."""
        self._over = True
        self.spread()

    async def follow(
        self, prefix: str, after: int, read: Callable[[int], Awaitable[list[Event]]]
    ) -> AsyncIterator[Sequence[Event]]:
        """The events of the prefix, from `read(revision)`, which returns some whole commits after it, or none yet."""
        while not self._over:
            news = self._event  # taken before reading: what is committed meanwhile sets it
            events = await read(after)
            if not events:
                await news.wait()
                continue
            after = events[-1].revision
            if mine := [event for event in events if event.key.startswith(prefix)]:
                yield mine
