"""Being told of changes to files (inotify(7)), without a thread and without polling."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType

_MODIFIED, _CLOSED, _MOVED_IN, _CREATED = 0x002, 0x008, 0x080, 0x100
_HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)


class DirectoryWatch:
    """Says that something happened to the files of a directory. Raises OSError if it is not there."""

    def __init__(self, directory: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._closed = False
        self._descriptor = _checked(_libc.inotify_init1(_NONBLOCK_CLOEXEC), directory)
        try:
            mask = _MODIFIED | _CLOSED | _MOVED_IN | _CREATED
            _checked(_libc.inotify_add_watch(self._descriptor, os.fsencode(directory), mask), directory)
        except OSError:
            os.close(self._descriptor)
            raise
        self._loop.add_reader(self._descriptor, self._drain)

    def __enter__(self) -> DirectoryWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    async def changed(self) -> None:
        """Wait for a change since the last call, or since the watch began."""
        await self._changed.wait()
        self._changed.clear()

    def take_closed(self) -> bool:
        """Whether a writer has closed its file since this was last asked."""
        closed, self._closed = self._closed, False
        return closed

    def _drain(self) -> None:
        # Which file it was does not matter: a reader that looks again finds out by itself.
        data = os.read(self._descriptor, 65536)
        while data:
            _, mask, _, length = _HEADER.unpack_from(data)
            self._closed |= bool(mask & _CLOSED)
            data = data[_HEADER.size + length :]
        self._changed.set()


def _checked(result: int, about: Path) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(about))
    return result
