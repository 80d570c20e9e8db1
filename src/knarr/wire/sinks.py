"""Bodies that are written over time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from knarr.wire.flow import Backpressure


class BodySink:
    """The `Sink` of a streamed answer; `chunked` False leaves the end of the connection to mark the end (HTTP/1.0)."""

    __slots__ = ("_callbacks", "_chunked", "_ended", "_flow", "_transport", "closed")

    def __init__(
        self, transport: asyncio.Transport, flow: Backpressure, *, chunked: bool, ended: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._flow = flow
        self._chunked = chunked
        self._ended = ended  # the connection goes on to its next request
        self._callbacks: list[Callable[[], None]] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        if data and not self.closed:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def close(self) -> None:
        if not self.closed:
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
        return 0 if self.closed else self._transport.get_write_buffer_size()

    def on_close(self, callback: Callable[[], None]) -> None:
        if self.closed:
            callback()
        else:
            self._callbacks.append(callback)

    async def drain(self) -> None:
        if self.closed:
            raise ConnectionResetError("the stream has ended")
        await self._flow.drain()

    def _finish(self) -> None:
        self.closed = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
