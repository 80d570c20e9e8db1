"""A file that only grows, up to a size: then it gets a name with the time in it, and a new one begins.

Names, and what becomes of old files, are those of lumberjack, which upstream writes its log with: `audit.log` becomes
`audit-2006-01-02T15-04-05.000.log`, compressed with `.gz` behind. Everything here blocks: it is a thread's to
call.
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#log-backend
"""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from knarr.machinery.clock import Clock

log = logging.getLogger(__name__)

_MEGABYTE = 1024 * 1024
_LAYOUT = "%Y-%m-%dT%H-%M-%S.%f"
_PACKED = ".gz"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is full, in bytes, and what of the old ones is kept: 0 sets no limit."""

    size: int = 100 * _MEGABYTE
    files: int = 0
    days: int = 0
    compress: bool = False


class RotatingFile:
    """Raises OSError where the file cannot be opened."""

    def __init__(self, path: Path, rotation: Rotation, clock: Clock) -> None:
        self._path, self._rotation, self._clock = path, rotation, clock
        self._turn = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file, self._size = self._open()
        self._tidying = self._tidy()

    def write(self, lines: Sequence[bytes]) -> dict[int, OSError]:
        """Append lines, each whole or not at all; what is wrong with those that could not be, by their index."""
        errors: dict[int, OSError] = {}
        for indexes in self._groups(lines, errors):
            try:
                self._append(b"".join([lines[index] for index in indexes]))
            except OSError as error:
                errors.update(dict.fromkeys(indexes, error))
        return errors

    def close(self) -> None:
        self._tidying.join()
        os.close(self._file)

    def _tidy(self) -> threading.Thread:
        """Compressing takes seconds: nobody is to wait for it before he can write."""
        thread = threading.Thread(target=self._tidied, name="audit-tidying", daemon=True)
        thread.start()
        return thread

    def _tidied(self) -> None:
        with self._turn:
            try:
                self._sort_out()
            except OSError as error:
                log.warning("old audit logs cannot be tidied up: %s", error)

    def _sort_out(self) -> None:
        """Remove the old files that are too many or too old, and compress the others. Raises OSError."""
        limit = self._clock.now() - timedelta(days=self._rotation.days)
        for number, (when, path) in enumerate(self._old(), 1):
            if (self._rotation.files and number > self._rotation.files) or (self._rotation.days and when < limit):
                path.unlink()
            elif self._rotation.compress and path.suffix != _PACKED:
                _compress(path)

    def _groups(self, lines: Sequence[bytes], errors: dict[int, OSError]) -> Iterator[list[int]]:
        """The indexes of lines that go into a file together; behind each group the file is another one."""
        group: list[int] = []
        size, most = self._size, self._rotation.size
        for index, line in enumerate(lines):
            if len(line) > most:
                errors[index] = OSError(f"write length {len(line)} exceeds maximum file size {most}")
                continue
            if size + len(line) > most:
                if group:
                    yield group
                self._rotate()
                group, size = [], 0
            group.append(index)
            size += len(line)
        if group:
            yield group

    def _append(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, memoryview(data)[written:])
        except OSError:
            with suppress(OSError):  # of what is no file
                os.ftruncate(self._file, self._size)  # half a line would spoil the next one, too
            raise
        self._size += len(data)

    def _open(self) -> tuple[int, int]:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return file, os.fstat(file).st_size

    def _rotate(self) -> None:
        mode = os.fstat(self._file).st_mode & 0o777
        self._path.rename(self._path.with_name(f"{self._stem}{self._stamp()}{self._path.suffix}"))
        old = self._file
        self._file, self._size = self._open()
        os.close(old)
        os.fchmod(self._file, mode)
        self._tidying = self._tidy()

    @property
    def _stem(self) -> str:
        return f"{self._path.stem}-"

    def _stamp(self) -> str:
        return self._clock.now().strftime(_LAYOUT)[:-3]  # milliseconds

    def _old(self) -> list[tuple[datetime, Path]]:
        """The old files with their times, the newest first."""
        found = ((self._time(path), path) for path in self._path.parent.iterdir())
        return sorted(((when, path) for when, path in found if when), reverse=True)

    def _time(self, path: Path) -> datetime | None:
        name = path.name.removesuffix(_PACKED)
        if not name.startswith(self._stem) or not name.endswith(self._path.suffix):
            return None
        text = name[len(self._stem) : len(name) - len(self._path.suffix)]
        try:
            return datetime.strptime(text, _LAYOUT).replace(tzinfo=UTC)
        except ValueError:
            return None


def _compress(path: Path) -> None:
    packed = path.with_name(f"{path.name}{_PACKED}")
    file = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, path.stat().st_mode & 0o777)
    with path.open("rb") as source, os.fdopen(file, "wb") as target, gzip.GzipFile(fileobj=target, mode="wb") as into:
        shutil.copyfileobj(source, into)
    path.unlink()
