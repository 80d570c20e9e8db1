"""The client's side: a pool of connections to one server, as a Transport."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import urlsplit

from knarr.wire.dialled import ClientConnection
from knarr.wire.following import present
from knarr.wire.heads import request_head
from knarr.wire.messages import Duplex, Request, Response, StreamedResponse

_IDLE = 25  # connections kept for reuse; client-go's number
_LOOK = 10.0  # seconds after which a connection is kept only if it would be made with the same certificates again
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # what may be sent twice


def no_headers() -> Mapping[str, str]:
    return {}


class HTTPTransport:
    """Requests to the server at `url` (http or https; a path in it goes before every request's).

    `headers` is asked for each request what to add (a bearer token that may change). `server_name` is the name that the
    server's certificate must have where it is not the URL's host. `address` says for each connection where to dial,
    where that is not the URL's host. A request on an idle connection that turns out to be dead is sent again on a fresh
    one if it changes nothing, or if all that is sent here is `repeatable`. Where `tls` follows its files, connections
    made before a change are not used again. There is no time limit but `connect_timeout` (seconds, with the TLS
    handshake): limit the call. Raises ConnectionError or TimeoutError; failures of TLS are ConnectionErrors.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        headers: Callable[[], Mapping[str, str]] = no_headers,
        connect_timeout: float = 10.0,
        address: Callable[[], tuple[str, int]] | None = None,
        repeatable: bool = False,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._base = {"host": parts.netloc.rpartition("@")[2]}
        self._tls = (tls or ssl.create_default_context()) if secure else None
        self._server_name = server_name
        self._headers = headers
        self._timeout = connect_timeout
        self._address = address
        self._repeatable = repeatable
        self._idle: list[ClientConnection] = []
        self._all: set[ClientConnection] = set()
        self._closed = False
        self._most = _IDLE
        self._present: ssl.SSLContext | None = None
        self._looked = -_LOOK

    async def request(self, request: Request) -> Response:
        connection = await self._exchange(request)
        parts = []
        try:
            while data := await connection.read():
                parts.append(data)
        except BaseException:
            connection.abort()
            raise
        response = Response(connection.status, connection.headers, b"".join(parts))
        self._release(connection)
        return response

    async def stream(self, request: Request) -> StreamedResponse:
        return _Streamed(await self._exchange(request), self._release)

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        connection = await self._exchange(request)
        if connection.status == 101:
            return Response(101, connection.headers), connection.switch()
        streamed = _Streamed(connection, self._release)
        body = b"".join([chunk async for chunk in streamed])
        return Response(streamed.status, streamed.headers, body), None

    async def close(self) -> None:
        self._closed = True
        for connection in tuple(self._all):
            connection.close()
        self._idle.clear()

    def retire(self) -> None:
        """Keep no connection any more: the idle ones are closed now, others when their exchange has ended."""
        self._most = 0
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def _exchange(self, request: Request) -> ClientConnection:
        """Send, and return the connection with the answer's head on it."""
        head = request_head(request, self._prefix, {**self._base, **self._headers()})
        while self._idle:
            connection = self._idle.pop()
            if self._tls and connection.context is not self._context():
                connection.close()
                continue
            try:
                return await self._send(connection, head, request)
            except ConnectionError:
                if request.method not in _SAFE and not self._repeatable:
                    raise
        return await self._send(await self._connect(), head, request)

    async def _send(self, connection: ClientConnection, head: bytes, request: Request) -> ClientConnection:
        try:
            await connection.send(head, request.body, head_only=request.method == "HEAD")
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _connect(self) -> ClientConnection:
        if self._closed:
            raise ConnectionAbortedError("the transport is closed")
        tls, made_with = self._tls, self._context(fresh=True)
        host, port = self._address() if self._address else (self._host, self._port)
        try:
            async with asyncio.timeout(self._timeout):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: ClientConnection(self._forget),
                    host,
                    port,
                    ssl=tls,
                    server_hostname=(self._server_name or self._host) if tls else None,
                )
        except TimeoutError:
            raise TimeoutError(f"{host}:{port} did not answer in {self._timeout:g} s") from None
        except ConnectionError as error:
            if error.errno is None:
                raise
            raise type(error)(error.errno, error.strerror, f"{host}:{port}") from None  # it does not say whose it is
        except OSError as error:  # ssl.SSLError and socket.gaierror are OSErrors
            raise ConnectionError(f"{host}:{port}: {error}") from error
        connection.context = made_with
        self._all.add(connection)
        return connection

    def _context(self, *, fresh: bool = False) -> ssl.SSLContext | None:
        """What connections are made with, as it was at the last look."""
        now = asyncio.get_running_loop().time()
        if fresh or now - self._looked >= _LOOK:
            self._present, self._looked = present(self._tls), now
        return self._present

    def _release(self, connection: ClientConnection) -> None:
        """The exchange has ended: keep the connection, or let it go."""
        if connection.reusable and len(self._idle) < self._most and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()

    def _forget(self, connection: ClientConnection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class _Streamed:
    """A `StreamedResponse` over a connection of the pool."""

    def __init__(self, connection: ClientConnection, release: Callable[[ClientConnection], None]) -> None:
        self.status = connection.status
        self.headers = connection.headers
        self._connection: ClientConnection | None = connection
        self._release = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._connection and (data := await self._connection.read()):
            yield data
        if self._connection:
            self._release(self._connection)
            self._connection = None

    async def close(self) -> None:
        if self._connection:
            self._connection.abort()
            self._connection = None
