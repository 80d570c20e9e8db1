"""Reading a container's log file to its end, and on while the container writes and the file is rotated."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from knarr.kubelet.inotify import DirectoryWatch
from knarr.kubelet.logtext import LogOptions, LogText
from knarr.machinery.clock import Clock
from knarr.wire.messages import Sink

_BLOCK = 64 * 1024
# The runtime closes the log a moment before it knows that the container has ended: ask again so many seconds later.
_AFTER_CLOSE = (0.02, 0.05, 0.1, 0.3, 1.0)


def tail_offset(log: BinaryIO, lines: int) -> int:
    """Where the last so many lines of the file begin, found from its end."""
    end = log.seek(0, os.SEEK_END)
    position, wanted = end, lines + 1  # the newline before the first wanted line
    while position > 0:
        start = max(0, position - _BLOCK)
        log.seek(start)
        block = log.read(position - start)
        if position == end and not block.endswith(b"\n"):
            wanted -= 1  # the last line has not ended
        while wanted and (found := block.rfind(b"\n")) >= 0:
            wanted -= 1
            if not wanted:
                return start + found + 1
            block = block[:found]
        position = start
    return 0


class LogStream:
    """Copies one container's log to a sink; `running` says whether the container still is, freshly asked."""

    def __init__(
        self, path: Path, options: LogOptions, sink: Sink, clock: Clock, running: Callable[[], Awaitable[bool]]
    ) -> None:
        self._path, self._options, self._sink, self._clock, self._running = path, options, sink, clock, running
        self._text = LogText(options)
        self._log: BinaryIO

    async def copy(self) -> None:
        """All there is, and with `follow` all that comes until the container ends. Raises OSError, ConnectionError."""
        self._log = self._path.open("rb")
        try:
            if self._options.tail is not None:
                self._log.seek(tail_offset(self._log, self._options.tail))
            if self._options.follow:
                with DirectoryWatch(self._path.parent) as watch:
                    await self._follow(watch)
            else:
                await self._copy_to_end()
        finally:
            self._log.close()

    async def _follow(self, watch: DirectoryWatch) -> None:
        while not self._text.full:
            running = await self._alive(watch.take_closed())  # asked before reading, so that nothing is missed
            await self._copy_to_end()
            if fresh := self._rotated():
                await self._copy_to_end()
                self._log.close()
                self._log = fresh
            elif running:
                await watch.changed()
            else:
                break

    async def _alive(self, closed: bool) -> bool:
        """Whether there may be more to come; with some patience where the log has just been closed."""
        running = await self._running()
        for delay in _AFTER_CLOSE if closed else ():
            if not running:
                break
            await self._clock.sleep(delay)
            running = await self._running()
        return running

    async def _copy_to_end(self) -> None:
        while not self._text.full and (block := self._log.read(_BLOCK)):
            if text := self._text.feed(block):
                self._sink.write(text)
                await self._sink.drain()

    def _rotated(self) -> BinaryIO | None:
        """The new file, where another one has taken the log's name."""
        try:
            if self._path.stat().st_ino != os.fstat(self._log.fileno()).st_ino:
                return self._path.open("rb")
        except FileNotFoundError:
            pass  # between the rename and the runtime's opening of a new one
        return None
