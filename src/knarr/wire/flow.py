"""Back-pressure, and the raw byte stream of an upgraded connection; the same on both sides."""

from __future__ import annotations

import asyncio
from collections import deque

READ_AHEAD = 256 * 1024  # bytes taken from a peer before its reader has asked for them


class Backpressure:
    """Whether the peer takes what is written: the waiting half of asyncio's pause_writing and resume_writing."""

    __slots__ = ("_waiters", "lost", "paused")

    def __init__(self) -> None:
        self.paused = False
        self.lost = False
        self._waiters: list[asyncio.Future[None]] = []

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._wake()

    def lose(self) -> None:
        """The connection is gone: nobody waits any more."""
        self.lost = True
        self._wake()

    async def drain(self) -> None:
        """Wait until writing makes sense again; raises ConnectionResetError when the connection is gone."""
        if self.paused and not self.lost:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        if self.lost:
            raise ConnectionResetError("the connection is gone")

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Inbox:
    """Bytes on their way from a transport to one reader; pauses the transport when the reader lags."""

    __slots__ = ("_chunks", "_ended", "_error", "_paused", "_size", "_transport", "_waiter")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._paused = self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """No more comes; an error is raised to the reader after what has arrived."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    async def read(self) -> bytes:
        """Everything that has arrived; waits for something, empty at the end."""
        while not self._chunks:
            if self._error:
                raise self._error
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self._resume()
        return data

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


class RawStream:
    """A `Duplex` over a connection whose protocol hands its callbacks on to here."""

    __slots__ = ("_flow", "_transport", "inbox")

    def __init__(self, transport: asyncio.Transport, flow: Backpressure) -> None:
        self._transport = transport
        self._flow = flow
        self.inbox = Inbox(transport)

    async def read(self) -> bytes:
        return await self.inbox.read()

    async def write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the connection is gone")
        self._transport.write(data)
        await self._flow.drain()

    async def close(self) -> None:
        self._transport.close()
        self.inbox.end()
