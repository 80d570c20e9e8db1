"""Calls to one server, over a connection that is made at the first call and again after it broke."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from knarr.wire.grpc import errors, frames
from knarr.wire.grpc.call import Call
from knarr.wire.grpc.connection import Connection

CONNECT_TIMEOUT = 10.0  # seconds, the TLS handshake included
CLOSE_TIMEOUT = 1.0  # seconds, of TLS again
_LOCAL = ("/", "\0")


class Channel:
    """Calls to the gRPC server at `target`: a unix socket's path (it begins with a slash, or with a zero byte in the
    abstract namespace), or `host:port`.

    Calls that were under way when the connection broke fail, since they may have happened. All raise CallError.
    """

    def __init__(
        self,
        target: str,
        metadata: Mapping[str, str] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        keepalive: float | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self.target = target
        self._tls = tls
        self._keepalive = keepalive
        self._timeout = connect_timeout
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        self._fixed = [
            (":method", "POST"),
            (":scheme", "https" if tls else "http"),
            (":authority", "localhost" if target.startswith(_LOCAL) else target),
        ]
        self._rest = [("te", "trailers"), ("content-type", "application/grpc"), *(metadata or {}).items()]
        self._blocks: dict[str, bytes] = {}

    async def begin(self, method: str, **metadata: str) -> Call:
        """A call whose messages are still to be sent."""
        connection = self._connection
        if connection is None or not connection.open:
            connection = await self.connected()
        return connection.begin(self._block(method) + (frames.header_block(metadata.items()) if metadata else b""))

    async def unary(self, method: str, request: bytes, timeout: float | None = None, **metadata: str) -> bytes:
        """The one answer; DeadlineExceeded past `timeout` seconds of real time."""
        call = None
        try:
            async with asyncio.timeout(timeout):
                call = await self.begin(method, **metadata)
                call.send(request, last=True)
                return await call.answer()
        except TimeoutError:
            reason = f"{method} took longer than {timeout:g} seconds"
            raise errors.CallError("DeadlineExceeded", reason, unseen=call is None) from None
        finally:
            if call:
                call.cancel()

    async def connected(self) -> Connection:
        """The connection, made if need be; what kept it from being made is the error's cause."""
        async with self._connecting:
            if self._connection is None or not self._connection.open:
                try:
                    async with asyncio.timeout(self._timeout):
                        self._connection = await self._connect()
                except OSError as error:  # TimeoutError, ssl.SSLError and socket.gaierror are OSErrors
                    reason = f"{self.target}: {error.strerror or error or 'no answer in time'}"
                    raise errors.broken(reason, unseen=True) from error
                if self._closed:
                    self._connection.close()
                    raise errors.broken("closed by this side", unseen=True)
            return self._connection

    async def close(self) -> None:
        """End all calls, and part from the server; one that does not answer is left without a word."""
        self._closed = True
        if connection := self._connection:
            connection.close()
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await connection.lost.wait()
            except TimeoutError:
                connection.abort()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self.target.startswith(_LOCAL):
            return (await loop.create_unix_connection(self._protocol, self.target))[1]
        host, _, port = self.target.rpartition(":")
        host = host.strip("[]")
        name = host if self._tls else None
        return (await loop.create_connection(self._protocol, host, int(port), ssl=self._tls, server_hostname=name))[1]

    def _protocol(self) -> Connection:
        return Connection(self._keepalive)

    def _block(self, method: str) -> bytes:
        block = self._blocks.get(method)
        if block is None:
            block = self._blocks[method] = frames.header_block([*self._fixed, (":path", method), *self._rest])
        return block
