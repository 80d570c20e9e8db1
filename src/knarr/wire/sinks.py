"""Bodies that are written over time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from knarr.wire.flow import Backpressure


class BodySink:
    """The `Sink` of a streamed answer; `chunked` False leaves the end of the connection to mark the end (HTTP/1.0).

    While the peer does not read, what is written waits here and not, framed and encrypted, in the transport: the same
    event waits for any number of watchers as one object.
    """

    __slots__ = ("_backlog", "_backlogged", "_callbacks", "_chunked", "_ended", "_flow", "_transport", "closed")

    def __init__(
        self, transport: asyncio.Transport, flow: Backpressure, *, chunked: bool, ended: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._flow = flow
        self._chunked = chunked
        self._ended = ended  # the connection goes on to its next request
        self._callbacks: list[Callable[[], None]] = []
        self._backlog: deque[bytes] = deque()
        self._backlogged = 0  # bytes
        self.closed = False

    def write(self, data: bytes) -> None:
        if not data or self.closed:
            return
        if self._flow.paused or self._backlog:
            self._backlog.append(data)
            self._backlogged += len(data)
        else:
            self._send(data)

    def resume(self) -> None:
        """The peer reads again: send what has waited, until it stops once more."""
        while self._backlog and not self._flow.paused:
            self._send_next()

    def close(self) -> None:
        if not self.closed:
            while self._backlog:
                self._send_next()
            if self._chunked:
                self._transport.write(b"0\r\n\r\n")
            self._finish()
            self._ended()

    def abort(self) -> None:
        if not self.closed:
            self._transport.abort()
            self._finish()

    def lose(self) -> None:
        """The connection is gone."""
        if not self.closed:
            self._finish()

    def pending(self) -> int:
        return 0 if self.closed else self._transport.get_write_buffer_size() + self._backlogged

    def on_close(self, callback: Callable[[], None]) -> None:
        if self.closed:
            callback()
        else:
            self._callbacks.append(callback)

    async def drain(self) -> None:
        if self.closed:
            raise ConnectionResetError("the stream has ended")
        await self._flow.drain()

    def _send_next(self) -> None:
        data = self._backlog.popleft()
        self._backlogged -= len(data)
        self._send(data)

    def _send(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _finish(self) -> None:
        self.closed = True
        self._backlog.clear()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
