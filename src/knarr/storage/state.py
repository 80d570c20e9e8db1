"""The newest value of every key, and what a commit does to it: the pure core of the engines that live in this process.

Deciding is apart from applying, so that an engine can make a decision durable before anybody sees it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence

from knarr.storage.store import ConflictError, Event, Page, Record, Write

MAX_WRITES = 10_000  # of one commit


def after_prefix(prefix: str) -> str:
    """The least string greater than all that begin with `prefix` (code points sort as their UTF-8 bytes do)."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else chr(0x10FFFF)


def span(keys: Sequence[str], prefix: str, start: str = "") -> tuple[int, int]:
    """Where the keys of a prefix, from `start` on, begin and end in a sorted list."""
    if not start and keys and keys[0].startswith(prefix) and keys[-1].startswith(prefix):  # so do all between
        return 0, len(keys)
    low = bisect_left(keys, max(prefix, start))
    return low, max(low, bisect_left(keys, after_prefix(prefix)))


def check_writes(writes: Sequence[Write]) -> None:
    """Raises ValueError for what no store takes in one commit."""
    if len(writes) > MAX_WRITES:
        raise ValueError(f"a commit has {MAX_WRITES} writes at most")
    if len({write.key for write in writes}) != len(writes):
        raise ValueError("a commit writes a key once")


class State:
    """Records by key and in key order, as of `revision`."""

    __slots__ = ("keys", "records", "revision")

    def __init__(self, revision: int = 0, records: Iterable[Record] = ()) -> None:
        self.revision = revision
        self.records = {record.key: record for record in records}
        self.keys = sorted(self.records)

    def decide(self, writes: Sequence[Write], revision: int, pending: Mapping[str, Record | None]) -> list[Event]:
        """What the writes would do at `revision`, after the changes in `pending`. Raises ConflictError."""
        events = (self._decide_one(write, revision, pending) for write in writes)
        return [event for event in events if event]

    def _decide_one(self, write: Write, revision: int, pending: Mapping[str, Record | None]) -> Event | None:
        current = pending[write.key] if write.key in pending else self.records.get(write.key)
        if write.expected is not None and write.expected != (current.modified if current else 0):
            raise ConflictError(write.key, current)
        if current is None and write.value is None:
            return None
        return Event(write.key, write.value, revision, current.created if current else revision, current)

    def apply(self, events: Sequence[Event]) -> None:
        for event in events:
            self._apply_one(event)
        if events:
            self.revision = events[-1].revision

    def _apply_one(self, event: Event) -> None:
        record = record_after(event)
        if record is None:
            del self.records[event.key]
            del self.keys[bisect_left(self.keys, event.key)]
            return
        if event.key not in self.records:
            insort(self.keys, event.key)
        self.records[event.key] = record

    def range(self, prefix: str, start: str, limit: int) -> Page:
        low, high = span(self.keys, prefix, start)
        end = min(high, low + limit) if limit else high
        return Page([self.records[key] for key in self.keys[low:end]], self.revision, high - end)


def record_after(event: Event) -> Record | None:
    """What is there once the event has happened."""
    if event.value is None:
        return None
    return Record(event.key, event.value, event.created, event.revision)
