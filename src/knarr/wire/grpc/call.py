"""One call: messages out, messages in, and how it ended."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from knarr.wire.grpc import errors, frames

STREAM_WINDOW = 4 << 20  # bytes of one call that may wait for its reader


class Carrier(Protocol):
    """What a call needs of its connection."""

    def send(self, call: Call) -> None:
        """Send what is pending, as far as the server takes it."""

    def allow(self, stream: int, size: int) -> None:
        """Give the server room for so many bytes more."""

    def cancel(self, call: Call) -> None: ...


class Call:
    """A stream of a connection. The server is held back while nobody takes what it has sent."""

    __slots__ = (
        "_buffer",
        "_connection",
        "_ended",
        "_failure",
        "_messages",
        "_owed",
        "_waiter",
        "headers",
        "pending",
        "pending_end",
        "stream",
        "window",
    )

    def __init__(self, connection: Carrier, stream: int, window: int) -> None:
        self.stream = stream
        self.window = window  # what the server takes of this call now
        self.pending = b""  # what it did not take yet
        self.pending_end = False
        self.headers: dict[bytes, bytes] = {}
        self._connection = connection
        self._buffer = bytearray()
        self._messages: deque[bytes] = deque()
        self._owed = 0  # bytes received that the server has not been given room for again
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._failure: errors.CallError | None = None

    def send(self, message: bytes, *, last: bool = False) -> None:
        """Send a message; nothing goes out after the `last`. What is sent on an ended call is lost."""
        if not self._ended:
            self.pending += frames.message(message)
            self.pending_end = last
            self._connection.send(self)

    async def receive(self) -> bytes | None:
        """The next message; None at the end. Raises CallError. For one reader at a time."""
        while not self._messages:
            if self._failure:
                raise self._failure
            if self._ended:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        message = self._messages.popleft()
        self._repay()
        return message

    async def answer(self) -> bytes:
        """The one message of a unary call, when it has ended well. Raises CallError."""
        answer = await self.receive()
        if answer is None or await self.receive() is not None:
            raise errors.CallError("Internal", "not one message in the answer to a unary call")
        return answer

    def cancel(self) -> None:
        """Give the call up, unless it has ended."""
        if not self._ended:
            self._connection.cancel(self)
            self.finish(errors.CallError("Canceled", "the caller has given up"))

    # The connection's callbacks

    def take(self, data: bytes, size: int) -> None:
        """Part of a message, for which the server has spent `size` bytes of the window."""
        buffer = self._buffer
        buffer += data
        self._owed += size
        while len(buffer) >= 5:
            if buffer[0]:
                raise frames.MalformedError("a compressed message, which nobody asked for")
            end = 5 + int.from_bytes(buffer[1:5], "big")
            if len(buffer) < end:
                break
            self._messages.append(bytes(memoryview(buffer)[5:end]))
            del buffer[:end]
        self._repay()
        if self._messages:
            self._wake()

    def finish(self, failure: errors.CallError | None) -> None:
        self._ended, self._failure = True, failure
        self._wake()

    def _repay(self) -> None:
        """A message that is still coming must come, however long; one that waits is reason to wait."""
        if not self._messages and self._owed > STREAM_WINDOW // 2 and not self._ended:
            self._connection.allow(self.stream, self._owed)
            self._owed = 0

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
