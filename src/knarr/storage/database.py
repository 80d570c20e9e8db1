"""An SQLite file that is ours alone while it is open: durable, private, and with errors in words that help."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from knarr.storage.store import UnavailableError

APPLICATION_ID = 0x6B6E6172  # "knar", so that file(1) and we know our own
FORMAT = 1
WAL_BYTES = 16 << 20  # what the write-ahead log is cut back to after a burst

PRAGMAS = (
    "auto_vacuum = INCREMENTAL",  # before there is any table
    "locking_mode = EXCLUSIVE",  # before the first access, so that there is no shared memory file
    "journal_mode = WAL",
    "synchronous = FULL",
    f"journal_size_limit = {WAL_BYTES}",
)

MARKS = "CREATE TABLE marks (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;"

Values = Mapping[str, int | str]


class Database:
    """A connection for one thread at a time, and named revisions kept beside the `schema`'s tables.

    Raises UnavailableError when the file cannot be opened, is another's, or is no database of this format.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        _make_private(path)
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with self.explained():
                self._prepare(schema)
        except UnavailableError:
            self.connection.close()
            raise

    def one(self, query: str, values: Values | None = None) -> int:
        (answer,) = self.connection.execute(query, values or {}).fetchone()
        return int(answer)

    def mark(self, name: str) -> int:
        return self.one("SELECT coalesce(max(revision), 0) FROM marks WHERE name = :name", {"name": name})

    def set_mark(self, name: str, revision: int) -> None:
        self.connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, revision))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Must be within `explained`, which rolls back what failed."""
        self.connection.execute("BEGIN IMMEDIATE")
        yield
        self.connection.execute("COMMIT")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Errors become UnavailableError with a sentence for the user, and nothing of a transaction is left."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
            raise UnavailableError(_sentence(self.path, error)) from error

    def overwrite(self, *, past: bool) -> None:
        """From now on what is removed is overwritten; and, of the `past`, what has been removed before and still stands
        somewhere in the file.
        """
        self.connection.execute("PRAGMA secure_delete = ON").fetchall()
        if past:
            self.connection.execute("VACUUM")
            self.empty_log()

    def empty_log(self) -> None:
        """Move all that the write-ahead log holds to its place, and leave it empty."""
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def shrink(self, pages: int) -> bool:
        """Give so many free pages back to the file system if a quarter is free; whether there may be more to give."""
        free, total = self.one("PRAGMA freelist_count"), self.one("PRAGMA page_count")
        if free < max(pages, total // 4):
            return False
        self.connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()  # each step frees one
        return True

    def copy(self, path: Path, marks: Mapping[str, int]) -> None:
        """Write a durable copy to a new file, with these marks added."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self.connection.execute("VACUUM INTO ?", (str(path),))
        copy = sqlite3.connect(path, isolation_level=None)
        copy.execute("PRAGMA synchronous = FULL")
        copy.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", marks.items())
        copy.close()
        _sync_directory(path.parent)

    def close(self) -> None:
        self.connection.close()

    def _prepare(self, schema: str) -> None:
        for pragma in PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}").fetchall()
        if self.one("SELECT count(*) FROM sqlite_schema") == 0:
            identity = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
            self.connection.executescript(f"BEGIN; {MARKS} {schema} {identity} COMMIT;")
            _sync_directory(self.path.parent)
        elif (self.one("PRAGMA application_id"), self.one("PRAGMA user_version")) != (APPLICATION_ID, FORMAT):
            raise UnavailableError(f"{self.path} is not a store of this version: move it away, or name another file")
        with self.transaction():
            pass  # takes the lock, which is kept


def _sentence(path: Path, error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return f"cannot open the store {path}: {error.strerror}"
    match getattr(error, "sqlite_errorcode", None):
        case sqlite3.SQLITE_FULL:
            return f"the disk that holds {path} is full: free some space there, and writing goes on by itself"
        case sqlite3.SQLITE_BUSY:
            return f"{path} is in use by another process: stop that one, or name another file"
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return f"{path} is damaged or no database ({error}): put a backup in its place"
    return f"cannot use the store {path}: {error}"


def _make_private(path: Path) -> None:
    """Make the file if need be, for its owner alone: it holds secrets, and SQLite's log takes the mode from it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(file, 0o600)
        os.close(file)
    except OSError as error:
        raise UnavailableError(_sentence(path, error)) from error


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
