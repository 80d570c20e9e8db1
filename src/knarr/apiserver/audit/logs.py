"""The log back-end: a line for each event, in a file or on standard output."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from knarr.apiserver.audit.events import json_line, legacy_line
from knarr.apiserver.audit.rotation import RotatingFile, Rotation
from knarr.apiserver.audit.sinks import Failures
from knarr.machinery.clock import Clock

STDOUT = "-"
FORMATS: dict[str, Callable[[bytes], bytes]] = {"legacy": legacy_line, "json": json_line}


class Lines(Protocol):
    """Where lines go; a thread calls it."""

    def write(self, lines: Sequence[bytes]) -> dict[int, OSError]: ...
    def close(self) -> None: ...


class StandardOutput:
    """Lines for whoever reads what this process prints."""

    def write(self, lines: Sequence[bytes]) -> dict[int, OSError]:
        data, written = memoryview(b"".join(lines)), 0
        try:
            while written < len(data):
                written += os.write(1, data[written:])
        except OSError as error:
            return dict.fromkeys(range(len(lines)), error)
        return {}

    def close(self) -> None:
        """It is not ours."""


def open_log(path: str, rotation: Rotation, clock: Clock) -> Lines:
    """Raises OSError."""
    return StandardOutput() if path == STDOUT else RotatingFile(Path(path), rotation, clock)


@dataclass(slots=True)
class _Group:
    """Lines that are written together, and who waits for that."""

    lines: list[bytes] = field(default_factory=list)
    written: asyncio.Future[dict[int, OSError]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Log:
    """Writes in a thread of its own, so that a slow disk holds up nobody who does not wait for it; what has come while
    the thread was writing goes with one write.
    """

    def __init__(self, lines: Lines, format: str, failures: Failures) -> None:
        self._lines, self._line, self._failures = lines, FORMATS[format], failures
        self._thread = ThreadPoolExecutor(1, "audit")
        self._group: _Group | None = None  # what is written next
        self._idle = asyncio.Event()
        self._idle.set()

    async def deliver(self, events: Sequence[bytes]) -> bool:
        group = self._group = self._group or _Group()
        first = len(group.lines)
        group.lines += map(self._line, events)
        if self._idle.is_set():
            self._idle.clear()
            asyncio.get_running_loop().call_soon(self._write)  # whoever is ready to run now comes along
        errors = await asyncio.shield(group.written)
        failed = [error for index, error in errors.items() if first <= index < first + len(events)]
        if failed:
            self._failures.count("log", failed[0], len(failed))
        return not failed

    async def close(self) -> None:
        await self._idle.wait()
        await asyncio.to_thread(self._lines.close)
        self._thread.shutdown()

    def _write(self) -> None:
        group, self._group = self._group, None
        if group is None:
            self._idle.set()
            return
        writing = asyncio.get_running_loop().run_in_executor(self._thread, self._lines.write, group.lines)
        writing.add_done_callback(lambda done: self._written(group, done))

    def _written(self, group: _Group, done: asyncio.Future[dict[int, OSError]]) -> None:
        if error := done.exception():
            group.written.set_result(dict.fromkeys(range(len(group.lines)), OSError(str(error))))
        else:
            group.written.set_result(done.result())
        self._write()
