"""The listener: accepts connections for an application and ends them gracefully."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress

from knarr.wire.limits import Limits, Room
from knarr.wire.messages import Answer, Application, Peer, Request, Response
from knarr.wire.serving import ServerConnection

HANDSHAKE_TIMEOUT = 10.0  # seconds
FAREWELL_TIMEOUT = 0.25  # seconds for an idle client to return the end of TLS; pools that nobody reads never do


async def too_large(_request: Request, _peer: Peer) -> Answer:
    """The plain answer to a body above the limit."""
    return Response(413, {"content-type": "text/plain"}, b"request body too large\n")


class Server:
    """Serves `application` over HTTP/1.1, with TLS where a context is given.

    `oversized` answers, in the application's place, requests whose body is above the limit (it is dropped, the
    connection closed afterwards). A request once begun runs to its end even when the client has gone; a stream is
    cancelled.
    """

    def __init__(
        self,
        application: Application,
        *,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        oversized: Application = too_large,
    ) -> None:
        self.application = application
        self.oversized = oversized
        self.limits = limits or Limits()
        self.room = Room(self.limits.bodies)
        self.connections: set[ServerConnection] = set()
        self.closing = False
        self.broken_handshakes = 0  # connections that ended before they were secured
        self._tls = tls
        self._listeners: list[asyncio.Server] = []
        self._emptied = asyncio.Event()

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Accept connections at this address too; returns the port. Raises OSError where the address is taken."""
        loop = asyncio.get_running_loop()
        handshake = HANDSHAKE_TIMEOUT if self._tls else None
        listener = await loop.create_server(
            lambda: ServerConnection(self, loop),
            host,
            port,
            ssl=self._tls,
            ssl_handshake_timeout=handshake,
            backlog=1024,
        )
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def close(self, grace: float = 10.0) -> None:
        """Stop accepting, end streams and idle connections, let requests finish; after `grace` seconds cut the rest."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        idle = [connection for connection in tuple(self.connections) if connection.retire()]
        farewell = asyncio.get_running_loop().call_later(FAREWELL_TIMEOUT, _abort, idle)
        await self._until_empty(grace)
        farewell.cancel()
        _abort(tuple(self.connections))
        await self._until_empty(1.0)

    async def _until_empty(self, seconds: float) -> None:
        self._emptied.clear()
        if self.connections:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._emptied.wait()

    def forget(self, connection: ServerConnection) -> None:
        """A connection has ended."""
        self.connections.discard(connection)
        if not self.connections:
            self._emptied.set()


def _abort(connections: Iterable[ServerConnection]) -> None:
    for connection in connections:
        connection.abort()
