"""WebSockets (RFC 6455), the server's end: the answer to a handshake, and messages over the raw stream behind it.

What frames are is wsproto's business; it is loaded with the first socket.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from inspect import isawaitable

from knarr.wire.joining import Source, join
from knarr.wire.messages import Duplex, Streaming, Upgrade

HANDSHAKE = ("connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol")
_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def asked(headers: Mapping[str, str]) -> bool:
    """Whether a request wants to become a WebSocket."""
    return headers.get("upgrade", "").lower() == "websocket"


def offered(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols that the client speaks, the dearest first."""
    return [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip()]


def accepting(headers: Mapping[str, str], protocol: str = "") -> dict[str, str]:
    """The fields of a 101 that accepts the handshake, with one of the subprotocols or with none."""
    key = headers.get("sec-websocket-key", "").encode() + _KEY_SUFFIX
    proof = b64encode(hashlib.sha1(key, usedforsecurity=False).digest()).decode()
    chosen = {"sec-websocket-protocol": protocol} if protocol else {}
    return {"upgrade": "websocket", "sec-websocket-accept": proof, **chosen}


def in_base64(data: bytes) -> str:
    """What a message says for whom bytes are too much."""
    return b64encode(data).decode()


def lines(headers: Mapping[str, str], answer: Streaming) -> Upgrade:
    """A streamed answer to a WebSocket: each of its lines a message of text."""

    async def start(near: Duplex) -> None:
        feed = Feed()
        running = answer.start(feed)
        if isawaitable(running):
            raise TypeError("only answers that write by themselves go line by line")
        await join(Messages(near, bytes.decode), Source(feed.next, feed.left))

    return Upgrade(start, {**answer.headers, **accepting(headers, next(iter(offered(headers)), ""))})


class Messages:
    """Messages as a `Duplex`: what is written goes as one, in the form that `form` makes of it, bytes or text; what is
    read is what came in them, of either kind.
    """

    def __init__(self, raw: Duplex, form: Callable[[bytes], bytes | str] = bytes) -> None:
        from wsproto.connection import Connection, ConnectionType

        self._raw = raw
        self._form = form
        self._frames = Connection(ConnectionType.SERVER)

    async def read(self) -> bytes:
        """Empty at the end, which nonsense is, too."""
        content, ended = b"", False
        while not content and not ended:
            data = await self._raw.read()
            self._frames.receive_data(data or None)
            content, ended = await self._taken()
        return content

    async def _taken(self) -> tuple[bytes, bool]:
        """The contents of what has arrived, and whether the peer has said goodbye; pings are answered."""
        from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

        contents, ended = [], False
        for event in self._frames.events():
            match event:
                case BytesMessage(data=data):
                    contents.append(bytes(data))
                case TextMessage(data=text):
                    contents.append(text.encode())
                case Ping():
                    await self._raw.write(self._frames.send(event.response()))
                case CloseConnection():
                    ended = True
        return b"".join(contents), ended

    async def write(self, data: bytes) -> None:
        from wsproto.events import BytesMessage, TextMessage

        content = self._form(data)
        message = TextMessage(data=content) if isinstance(content, str) else BytesMessage(data=content)
        await self._raw.write(self._frames.send(message))

    async def close(self) -> None:
        from wsproto.connection import ConnectionState
        from wsproto.events import CloseConnection

        if self._frames.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self._raw.write(self._frames.send(CloseConnection(code=1000)))
        await self._raw.close()


class Feed:
    """A `Sink` whose lines somebody else reads."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []

    def write(self, data: bytes) -> None:
        if not self._closed:
            self._lines.extend(data.splitlines())
            self._size += len(data)
            self._more.set()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._more.set()
            for callback in self._callbacks:
                callback()

    def abort(self) -> None:
        self._lines.clear()
        self.close()

    def pending(self) -> int:
        return self._size

    def on_close(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def drain(self) -> None:
        """Nobody waits: what lags behind is cut by `pending`."""

    async def left(self) -> None:
        """Whoever reads has gone."""
        self.close()

    async def next(self) -> bytes:
        """The next line, without its end; empty when no more come."""
        while not self._lines and not self._closed:
            self._more.clear()
            await self._more.wait()
        line = self._lines.popleft() if self._lines else b""
        self._size = self._size - len(line) - 1 if self._lines else 0
        return line
