"""The Store protocol: etcd's meaning, whatever the engine.

A store is a map from keys to bytes with one revision counter. Each successful commit takes the next revision, however
many keys it writes (one that changes nothing takes none); revisions never repeat and never go back. tests/storage holds
every implementation to this page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

# Values are structs: every write makes several, and the garbage collector need not look into what holds no cycles.


class Record(msgspec.Struct, frozen=True, gc=False):
    """A key's value as of some revision."""

    key: str
    value: bytes
    created: int  # revision of the commit that created the key
    modified: int  # revision of the last commit that wrote it


class Write(msgspec.Struct, frozen=True, gc=False):
    """One key's part of a commit.

    `value` None deletes the key. `expected` is the revision that the key must have been modified at: 0 says that it
    must not exist, None takes whatever is there. `ttl` seconds after the commit (rounded up by the engine) the store
    deletes the key by itself, with an event like any other delete, unless it has been written again.
    """

    key: str
    value: bytes | None
    expected: int | None = None
    ttl: float | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """What a commit did to one key. `value` is None for a delete, `previous` None for a create."""

    key: str
    value: bytes | None
    revision: int
    created: int
    previous: Record | None


class Page(msgspec.Struct, frozen=True):
    """The answer to a range read, all of it as of `revision`."""

    records: Sequence[Record]
    revision: int
    remaining: int  # how many further keys of the prefix follow after the last record


class Unreadable(bytes):
    """In place of a value that nobody can read, since its key is not there or it has been damaged; `why` says so."""

    why: str

    def __new__(cls, why: str) -> Unreadable:
        empty = super().__new__(cls)
        empty.why = why
        return empty


class StoreError(Exception):
    """Base of what a store raises; no driver's exception crosses the protocol."""


class ConflictError(StoreError):
    """A key was not at its expected revision; nothing of the commit happened. `current` is there (None: nothing)."""

    def __init__(self, key: str, current: Record | None) -> None:
        super().__init__(f"{key} is at {current.modified if current else 'no'} revision")
        self.key = key
        self.current = current


class CompactedError(StoreError):
    """The revision asked for is older than the oldest retained one, `oldest`."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"revisions before {oldest} have been compacted")
        self.oldest = oldest


class FutureRevisionError(StoreError):
    """The revision asked for has not happened yet; `current` is the newest."""

    def __init__(self, current: int) -> None:
        super().__init__(f"revision is newer than the current one, {current}")
        self.current = current


class UnreadableError(StoreError):
    """What a key holds cannot be read; `why` in upstream's words."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f'unable to transform key "{key}": {why}')
        self.key, self.why = key, why


class TooLargeError(StoreError):
    """The engine takes no commit of this size; nothing of it happened."""


class UnavailableError(StoreError):
    """The engine cannot answer now (disk full, no quorum). A commit that raised this may or may not have happened."""


class Store(Protocol):
    """See the module's docstring; all methods may be called concurrently."""

    async def revision(self) -> int:
        """The newest revision, read linearizably."""

    async def get(self, key: str) -> Record | None:
        """The newest value of a key, read linearizably."""

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        """The keys that begin with `prefix`, from `start` (inclusive) on, in byte order; `limit` 0 is no limit.

        `revision` 0 reads the newest state; any other not yet compacted reads the state as it was then.
        Raises CompactedError, FutureRevisionError.
        """

    async def commit(self, writes: Sequence[Write]) -> int:
        """Do all writes at one new revision, durably, or none; returns the revision.

        When it returns, the commit survives a crash of process and machine. Raises ConflictError, TooLargeError, and
        ValueError when a key is named twice. Deleting a key that does not exist, with `expected` None, is no error and
        yields no event.
        """

    def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        """All events of the prefix with a revision greater than `after`, in order, and on until closed.

        Each item holds whole commits. Raises CompactedError when events after `after` are no longer retained.
        """

    async def compact(self, revision: int) -> None:
        """Forget everything that only reads and watches before `revision` could see. Raises FutureRevisionError."""

    async def close(self) -> None:
        """Finish what is under way and release the engine."""
