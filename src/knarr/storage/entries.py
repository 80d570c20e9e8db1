"""What the watch cache holds: entries, the changes that made them, and the shelves that find them.

A shelf is all of one resource's keys, in order, with an index by label.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from typing import Any, Literal

from knarr.storage.state import span
from knarr.storage.store import Event, Record

Index = Callable[[str, bytes], tuple[Mapping[str, str], Mapping[str, str]]]
"""Labels and fields of a key's stored value. Raises UnreadableError for what is no object that could be shown."""


class Entry:
    """A stored object; shared by all readers, who must not change it.

    `encodings` is theirs to fill: what is served of it, by whatever tells representations apart.
    """

    __slots__ = ("created", "encodings", "fields", "key", "labels", "revision", "value")

    def __init__(self, record: Record, *, labels: Mapping[str, str], fields: Mapping[str, str]) -> None:
        self.key = record.key
        self.value = record.value
        self.revision = record.modified
        self.created = record.created
        self.labels = labels
        self.fields = fields
        self.encodings: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return f"<{self.key} at {self.revision}>"


class Change:
    """What happened to an entry. For DELETED, `entry` is its last state, with the revision of the deletion.

    `previous` is the entry before, so that a reader with a selector can tell whether the object came into its view,
    changed in it, or left it.
    """

    __slots__ = ("entry", "previous", "type")

    def __init__(self, type: Literal["ADDED", "MODIFIED", "DELETED"], entry: Entry, previous: Entry | None) -> None:
        self.type = type
        self.entry = entry
        self.previous = previous

    @property
    def revision(self) -> int:
        return self.entry.revision

    def __repr__(self) -> str:
        return f"<{self.type} {self.entry!r}>"


def entry_of(record: Record, index: Index) -> Entry:
    labels, fields = index(record.key, record.value)
    return Entry(record, labels=labels, fields=fields)


def tombstone(entry: Entry, revision: int) -> Entry:
    record = Record(entry.key, entry.value, entry.created, revision)
    return Entry(record, labels=entry.labels, fields=entry.fields)


def past_change(event: Event, index: Index) -> Change:
    """What an event was, from what it says itself; what is on the shelves may be newer."""
    previous = entry_of(event.previous, index) if event.previous else None
    if event.value is not None:
        entry = entry_of(Record(event.key, event.value, event.created, event.revision), index)
        return Change("MODIFIED" if previous else "ADDED", entry, previous)
    assert previous is not None, f"{event.key} was deleted without having been there"
    return Change("DELETED", tombstone(previous, event.revision), previous)


class Shelf:
    """Entries by key, in byte order of the keys, and by label."""

    __slots__ = ("_by_label", "_entries", "_keys", "changes")

    def __init__(self) -> None:
        self.changes = 0  # that have come since it was loaded
        self._keys: list[str] = []
        self._entries: dict[str, Entry] = {}
        self._by_label: dict[tuple[str, str], set[str]] = {}

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def put(self, entry: Entry) -> Entry | None:
        """Store an entry; returns the one it replaces."""
        previous = self._entries.get(entry.key)
        if previous is None:
            insort(self._keys, entry.key)
        self._entries[entry.key] = entry
        self._relabel(entry.key, previous.labels if previous else {}, entry.labels)
        return previous

    def remove(self, key: str) -> Entry | None:
        entry = self._entries.pop(key, None)
        if entry:
            del self._keys[bisect_left(self._keys, key)]
            self._relabel(key, entry.labels, {})
        return entry

    def count(self, prefix: str) -> int:
        low, high = span(self._keys, prefix)
        return high - low

    def range(self, prefix: str, start: str, limit: int, label: tuple[str, str] | None) -> list[Entry]:
        keys = self._labelled(prefix, start, label) if label else self._span(prefix, start, limit)
        return [self._entries[key] for key in (keys[:limit] if limit else keys)]

    def _span(self, prefix: str, start: str, limit: int = 0) -> list[str]:
        low, high = span(self._keys, prefix, start)
        return self._keys[low : min(high, low + limit) if limit else high]

    def _labelled(self, prefix: str, start: str, label: tuple[str, str]) -> list[str]:
        """Goes through the label's keys or through the range's, whichever are fewer."""
        labelled = self._by_label.get(label, set())
        low, high = span(self._keys, prefix, start)
        if len(labelled) < high - low:
            return sorted([key for key in labelled if key >= start and key.startswith(prefix)])
        return [key for key in self._keys[low:high] if key in labelled]

    def _relabel(self, key: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        if old == new:
            return
        for label in old.items() - new.items():
            keys = self._by_label[label]
            keys.remove(key)
            if not keys:
                del self._by_label[label]
        for label in new.items() - old.items():
            self._by_label.setdefault(label, set()).add(key)
