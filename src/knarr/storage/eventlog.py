"""The table behind the SQLite store: one row for what each commit did to each key. The log is the store.

Blocking, and for one thread at a time. The file is locked for as long as it is open, so nobody else can add to the log
between a decision and its row; the unique index over key and place is the last guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from knarr.storage.database import Database
from knarr.storage.state import after_prefix
from knarr.storage.store import Event, Page, Record

POSITION_BITS = 16  # a row's id is its revision, then its position in the commit
REPLAY_ROWS = 1000
SWEEP_ROWS = 1000
SHRINK_PAGES = 256
RESTORE_STEP = 1_000_000_000  # more revisions than a store hands out between a backup and its use

SCHEMA = """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    created INTEGER NOT NULL, -- revision that created the key
    ends INTEGER,             -- wall time, in seconds, when the key deletes itself
    value BLOB                -- NULL: deleted
);
CREATE UNIQUE INDEX log_key ON log (key, id);
"""

INSERT = "INSERT INTO log (id, key, created, ends, value) VALUES (?, ?, ?, ?, ?)"

NEWEST_ID = "SELECT coalesce(max(id), 0) FROM log"

NEWEST = "SELECT key, max(id), created, ends, value FROM log GROUP BY key"

AS_OF = """
FROM log WHERE value IS NOT NULL AND id IN (
    SELECT max(id) FROM log WHERE key >= :low AND key < :high AND id < :end GROUP BY key)
"""
COUNT = f"SELECT count(*) {AS_OF}"
RANGE = f"SELECT key, value, created, id >> {POSITION_BITS} {AS_OF} ORDER BY key LIMIT :limit"

REPLAY = f"""
SELECT now.key, now.value, now.id >> {POSITION_BITS}, now.created,
    old.key, old.value, old.created, old.id >> {POSITION_BITS}
FROM log AS now LEFT JOIN log AS old
    ON old.value IS NOT NULL AND old.id = (SELECT max(id) FROM log WHERE key = now.key AND id < now.id)
WHERE now.id >= :start AND now.id < :end ORDER BY now.id
"""  # noqa: S608

SWEEP_SUPERSEDED = """
DELETE FROM log WHERE key IN (SELECT key FROM log WHERE id >= :low AND id < :high) AND id < :high
    AND id < (SELECT max(id) FROM log AS later WHERE later.key = log.key AND later.id < :high)
"""

SWEEP_DELETED = "DELETE FROM log WHERE id >= :low AND id < :high AND value IS NULL"


class Row(NamedTuple):
    """One key's part of one commit, as the table's columns."""

    id: int
    key: str
    created: int
    ends: int | None
    value: bytes | None


class Contents(NamedTuple):
    """What a log says when it is opened."""

    revision: int
    compacted: int
    records: list[Record]
    ends: dict[str, int]


def row_id(revision: int, position: int = 0) -> int:
    return revision << POSITION_BITS | position


class EventLog:
    """Opens or makes the file at `path`. All methods raise UnavailableError with a sentence for the user.

    A `forgetful` one overwrites what it removes; what was removed before it was so is gone as well.
    """

    def __init__(self, path: Path, *, forgetful: bool = False) -> None:
        self._db = Database(path, SCHEMA)
        self._forgetful = forgetful
        with self._db.explained():
            self._settle_forgetting()

    def contents(self) -> Contents:
        with self._db.explained():
            self._finish_restore()
            compacted = self._db.mark("compacted")
            revision = max(compacted, self._db.one(NEWEST_ID) >> POSITION_BITS)
            records, ends = [], {}
            for key, place, created, end, value in self._db.connection.execute(NEWEST):
                if value is not None:
                    records.append(Record(key, value, created, place >> POSITION_BITS))
                    if end is not None:
                        ends[key] = end
        return Contents(revision, compacted, records, ends)

    def append(self, rows: Sequence[Row]) -> None:
        """Write all rows or none; they are on the disk when this returns."""
        with self._db.explained(), self._db.transaction():
            self._db.connection.executemany(INSERT, rows)

    def range(self, prefix: str, start: str, limit: int, revision: int) -> Page:
        """The keys as they were at a revision that has not been compacted."""
        values: dict[str, int | str] = {
            "low": max(prefix, start),
            "high": after_prefix(prefix),
            "end": row_id(revision + 1),
            "limit": limit or -1,
        }
        with self._db.explained():
            records = [Record(*row) for row in self._db.connection.execute(RANGE, values)]
            total = self._db.one(COUNT, values) if limit else len(records)
        return Page(records, revision, total - len(records))

    def replay(self, after: int) -> list[Event]:
        """The next events after a revision, some whole commits of them; none when there are none."""
        start = row_id(after + 1)
        with self._db.explained():
            end = row_id(self._revision_at(start, REPLAY_ROWS) + 1)
            rows = self._db.connection.execute(REPLAY, {"start": start, "end": end})
            return [_event(row[:4], row[4:]) for row in rows]

    def compact(self, revision: int) -> None:
        """Declare what is before `revision` forgotten; `sweep` then removes it bit by bit."""
        with self._db.explained():
            self._db.set_mark("compacted", revision)

    def sweep(self) -> bool:
        """Remove some of what is forgotten; whether there may be more. A crash in between loses no place."""
        with self._db.explained():
            low, end = self._db.mark("swept") + 1, self._db.mark("compacted") + 1
            if low >= end:
                return False
            reached = self._revision_at(row_id(low), SWEEP_ROWS)
            high = min(end, reached + 1) if reached else end  # no rows follow in the gap of a restore
            self._sweep(low, high)
        return True

    def shrink(self) -> bool:
        """Give some of the file's free pages back, when they are many; whether there may be more."""
        with self._db.explained():
            return self._db.shrink(SHRINK_PAGES)

    def forget(self) -> None:
        """Have nothing in the write-ahead log that was removed, if nothing of it is to stay."""
        if self._forgetful:
            with self._db.explained():
                self._db.empty_log()

    def backup(self, path: Path) -> None:
        """Write a copy that can be put in this file's place. Opened there, its revisions go on above all of today's.

        A copy made otherwise goes back in revisions, and clients would not notice what they have missed.
        """
        with self._db.explained():
            self._db.copy(path, {"step": RESTORE_STEP})

    def close(self) -> None:
        self._db.close()

    def _settle_forgetting(self) -> None:
        """What is removed while the store is not forgetful is to be overwritten once when it becomes so."""
        if self._forgetful:
            self._db.overwrite(past=not self._db.mark("forgetful"))
        if self._forgetful != bool(self._db.mark("forgetful")):
            self._db.set_mark("forgetful", int(self._forgetful))

    def _finish_restore(self) -> None:
        """Leave the gap that a backup asks for, in which nothing can be watched or read."""
        if step := self._db.mark("step"):
            newest = max(self._db.mark("compacted"), self._db.one(NEWEST_ID) >> POSITION_BITS)
            with self._db.transaction():
                self._db.set_mark("compacted", newest + step)
                self._db.set_mark("step", 0)

    def _sweep(self, low: int, high: int) -> None:
        """What the revisions from `low` to before `high` have superseded, and the deletions among them."""
        bounds = {"low": row_id(low), "high": row_id(high)}
        with self._db.transaction():
            self._db.connection.execute(SWEEP_SUPERSEDED, bounds)
            self._db.connection.execute(SWEEP_DELETED, bounds)
            self._db.set_mark("swept", high - 1)

    def _revision_at(self, start: int, rows: int) -> int:
        """The revision that so many rows from the id `start` on reach."""
        query = "SELECT coalesce(max(id), 0) FROM (SELECT id FROM log WHERE id >= :start ORDER BY id LIMIT :rows)"
        return self._db.one(query, {"start": start, "rows": rows}) >> POSITION_BITS


def _event(new: tuple[str, bytes | None, int, int], old: tuple[str, bytes, int, int]) -> Event:
    key, value, revision, created = new
    return Event(key, value, revision, created, Record(*old) if old[0] else None)
