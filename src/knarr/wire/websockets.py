"""WebSockets (RFC 6455), the server's end: the answer to a handshake, and messages over the raw stream behind it.

What frames are is wsproto's business; it is loaded with the first socket.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping

from knarr.wire.messages import Duplex

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


class Messages:
    """Messages as a `Duplex`: what is written goes as one, binary or as the text that is its base64; what is read is
    what came in them, of either kind.
    """

    def __init__(self, raw: Duplex, *, base64: bool = False) -> None:
        from wsproto.connection import Connection, ConnectionType

        self._raw = raw
        self._base64 = base64
        self._frames = Connection(ConnectionType.SERVER)

    async def read(self) -> bytes:
        """Raises ConnectionError where the peer does not speak the protocol."""
        from wsproto.utilities import RemoteProtocolError

        content = b""
        while not content:
            data = await self._raw.read()
            self._frames.receive_data(data or None)
            try:
                content, ended = await self._taken()
            except RemoteProtocolError as error:
                raise ConnectionAbortedError(str(error)) from error
            if ended or not data:
                break
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

        message = TextMessage(data=b64encode(data).decode()) if self._base64 else BytesMessage(data=data)
        await self._raw.write(self._frames.send(message))

    async def close(self) -> None:
        from wsproto.connection import ConnectionState
        from wsproto.events import CloseConnection

        if self._frames.state is ConnectionState.OPEN:
            await self._raw.write(self._frames.send(CloseConnection(code=1000)))
        await self._raw.close()
