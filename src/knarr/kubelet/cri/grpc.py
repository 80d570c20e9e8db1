"""gRPC over a unix socket, as a client: unary calls and server streams of bytes (docs/decisions, "CRI client").

The framing is grpc/grpc's doc/PROTOCOL-HTTP2.md; HTTP/2 itself is h2's, which does no I/O. The connection is made at
the first call and again after it broke; calls that were under way then fail with RuntimeUnavailable, since they may
have happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import cast
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from knarr.kubelet.cri.runtime import NotFoundInRuntime, RuntimeFailure, RuntimeUnavailable

CODES = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)
FAILURES = {"NotFound": NotFoundInRuntime, "Unavailable": RuntimeUnavailable}
WINDOW = 8 << 20  # bytes the server may send unacknowledged: more than any answer of a runtime
CANCEL = 8  # HTTP/2 error code of a stream that its client gives up


def failure(status: int, message: str) -> RuntimeFailure:
    """The exception for a gRPC status."""
    code = CODES[status] if status < len(CODES) else "Unknown"
    return FAILURES.get(code, RuntimeFailure)(code, message)


def unavailable(reason: object) -> RuntimeUnavailable:
    return RuntimeUnavailable("Unavailable", f"runtime connection: {reason}")


def frame(message: bytes) -> bytes:
    """Length-prefixed, uncompressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


class Call:
    """One stream: messages as they arrive, then None for the end or the failure."""

    __slots__ = ("arrived", "buffer", "headers", "pending")

    def __init__(self, request: bytes) -> None:
        self.arrived: asyncio.Queue[bytes | RuntimeFailure | None] = asyncio.Queue()
        self.buffer = bytearray()
        self.headers: dict[bytes, bytes] = {}
        self.pending = frame(request)  # what flow control has not let out yet

    def receive(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 5:
            end = 5 + int.from_bytes(self.buffer[1:5], "big")
            if len(self.buffer) < end:
                return
            self.arrived.put_nowait(bytes(self.buffer[5:end]))
            del self.buffer[:end]

    def finish(self) -> None:
        status = int(self.headers.get(b"grpc-status", b"2"))
        message = unquote(self.headers.get(b"grpc-message", b"").decode())
        self.arrived.put_nowait(failure(status, message) if status else None)


class Connection(asyncio.Protocol):
    """One HTTP/2 connection: h2's events to calls, h2's bytes to the socket."""

    def __init__(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.calls: dict[int, Call] = {}
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(WINDOW)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        calls, self.calls = self.calls, {}
        for call in calls.values():
            call.arrived.put_nowait(unavailable(exc or "closed"))

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self.handle(event)
        except ProtocolError:
            self.close()
        self.flush()

    def handle(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.close()
        elif isinstance(event, WindowUpdated):
            for stream_id in [event.stream_id] if event.stream_id else list(self.calls):
                self.send_pending(stream_id)
        elif call := self.calls.get(getattr(event, "stream_id", 0)):
            self.handle_call(call, event)

    def handle_call(self, call: Call, event: Event) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                call.headers.update(event.headers)
            case DataReceived():
                call.receive(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.calls.pop(event.stream_id).finish()
            case StreamReset():
                self.calls.pop(event.stream_id).arrived.put_nowait(unavailable(f"stream reset ({event.error_code})"))

    def flush(self) -> None:
        if self.transport and (data := self.h2.data_to_send()):
            self.transport.write(data)

    def begin(self, headers: list[tuple[str, str]], request: bytes) -> int:
        stream_id = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream_id, headers)
        self.calls[stream_id] = Call(request)
        self.send_pending(stream_id)
        self.flush()
        return stream_id

    def send_pending(self, stream_id: int) -> None:
        """Send as much of the request as the windows allow, and end the stream with its last byte."""
        call = self.calls.get(stream_id)
        while call and call.pending:
            size = min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size)
            if size <= 0:
                return
            chunk, call.pending = call.pending[:size], call.pending[size:]
            self.h2.send_data(stream_id, chunk, end_stream=not call.pending)

    def cancel(self, stream_id: int) -> None:
        """Give a call up, unless it has ended."""
        if self.calls.pop(stream_id, None) and self.transport:
            self.h2.reset_stream(stream_id, CANCEL)
            self.flush()

    def close(self) -> None:
        if self.transport:
            self.transport.close()


class Channel:
    """Calls to the gRPC server at a unix socket."""

    def __init__(self, path: str, metadata: Mapping[str, str] | None = None) -> None:
        self.path = path
        self.metadata = list((metadata or {}).items())
        self.connection: Connection | None = None
        self.connecting = asyncio.Lock()

    async def connected(self) -> Connection:
        async with self.connecting:
            if self.connection is None or self.connection.transport is None:
                try:
                    loop = asyncio.get_running_loop()
                    _, self.connection = await loop.create_unix_connection(Connection, self.path)
                except OSError as error:
                    raise unavailable(f"{self.path}: {error.strerror or error}") from error
            return self.connection

    def headers(self, method: str) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *self.metadata,
        ]

    async def stream(self, method: str, request: bytes) -> AsyncIterator[bytes]:
        """Begin a call; iterate over the messages of its answer. Leaving the iteration cancels the call."""
        connection = await self.connected()
        stream_id = connection.begin(self.headers(method), request)
        return self.messages(connection, stream_id)

    async def messages(self, connection: Connection, stream_id: int) -> AsyncIterator[bytes]:
        arrived = connection.calls[stream_id].arrived
        try:
            while (message := await arrived.get()) is not None:
                if isinstance(message, RuntimeFailure):
                    raise message
                yield message
        finally:
            connection.cancel(stream_id)

    async def unary(self, method: str, request: bytes, timeout: float | None = None) -> bytes:
        """The one answer; past `timeout` seconds of real time a RuntimeFailure with code DeadlineExceeded."""
        connection = await self.connected()
        stream_id = connection.begin(self.headers(method), request)
        arrived = connection.calls[stream_id].arrived
        try:
            async with asyncio.timeout(timeout):
                answer = await arrived.get()
                end = answer if answer is None or isinstance(answer, RuntimeFailure) else await arrived.get()
        except TimeoutError:
            raise failure(4, f"{method} took longer than {timeout:g} seconds") from None
        finally:
            connection.cancel(stream_id)
        if isinstance(end, RuntimeFailure):
            raise end
        return answer if isinstance(answer, bytes) else b""

    async def close(self) -> None:
        if self.connection:
            self.connection.close()
            self.connection = None
