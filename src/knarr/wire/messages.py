"""Requests and responses as values: what a server hands to its application and a client's transport carries.

Structs, not dataclasses: each request makes several, and a frozen dataclass takes ten times as long to make.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec

_SHORT = 1000  # characters of a query that may come again


@lru_cache(512)
def _known_pairs(query: str) -> Sequence[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _as_utf8(value: str) -> str:
    """A field's value, which was read byte by byte (RFC 9110, 5.5), as most clients mean it."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


class Request(msgspec.Struct, frozen=True):
    """One request. Header names are lower case; `path` is still percent-encoded; `query` has no question mark.

    `repeated` are fields besides `headers` that are sent each in a line of its own, as their values may hold commas.
    `lines` are the values of fields that arrived in several lines; `headers` have them joined.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    repeated: Sequence[tuple[str, str]] = ()
    lines: Mapping[str, Sequence[str]] = {}

    def values(self, field: str) -> Sequence[str]:
        """A field's values as they arrived, one for each line; bytes beyond ASCII are read as UTF-8."""
        found = self.lines.get(field) or [self.headers[field]] if field in self.headers else ()
        return [value if value.isascii() else _as_utf8(value) for value in found]

    def without(self, fields: Iterable[str]) -> Request:
        """The same request but for some of its fields."""
        gone = frozenset(fields)
        headers = {name: value for name, value in self.headers.items() if name not in gone}
        lines = {name: values for name, values in self.lines.items() if name not in gone}
        return msgspec.structs.replace(self, headers=headers, lines=lines)

    def parameters(self) -> dict[str, list[str]]:
        """The decoded query, each name with its values in order."""
        found: dict[str, list[str]] = {}
        pairs = _known_pairs(self.query) if len(self.query) < _SHORT else parse_qsl(self.query, keep_blank_values=True)
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        return found


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end of a connection, as far as the connection itself tells."""

    address: str = ""
    port: int = 0
    certificate: bytes | None = None  # DER of the client's certificate, verified against the server's client CAs
    chain: tuple[bytes, ...] = ()  # how it was verified, from the certificate to the authority


class Response(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Pieced(msgspec.Struct, frozen=True):
    """A whole answer with a large body of pieces that others share: they are joined as the peer takes them.

    `size` is the sum of the pieces' lengths.
    """

    status: int
    headers: Mapping[str, str]
    pieces: Sequence[bytes | memoryview]
    size: int

    def joined(self) -> Response:
        """The same in one piece."""
        return Response(self.status, self.headers, b"".join(self.pieces))


class Sink(Protocol):
    """Where the body of a streamed answer goes: written synchronously, framed by the transport."""

    def write(self, data: bytes) -> None:
        """Send; never blocks. Writing to a closed sink does nothing."""

    def close(self) -> None:
        """End the body cleanly."""

    def abort(self) -> None:
        """Cut the connection: the body is not whole."""

    def pending(self) -> int:
        """Bytes written that the peer has not taken: a reader that is too slow is dropped by this."""

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call back once, when either side has ended the stream."""

    async def drain(self) -> None:
        """Wait until the peer has taken enough to go on; raises ConnectionError when it is gone."""


class Duplex(Protocol):
    """A raw byte stream after `101 Switching Protocols`."""

    async def read(self) -> bytes:
        """The next bytes; empty at the peer's end of stream."""

    async def write(self, data: bytes) -> None:
        """Send, waiting while the peer is slow."""

    async def close(self) -> None:
        """End both directions."""


class Streaming(msgspec.Struct, frozen=True):
    """An answer whose body is written over time: `start` is called with the sink as soon as the head is sent.

    Where `start` returns an awaitable the server runs it as the stream's task and cancels it when the peer goes away; a
    `start` that just subscribes the sink somewhere costs no task.
    """

    start: Callable[[Sink], Awaitable[None] | None]
    status: int = 200
    headers: Mapping[str, str] = {}


class Upgrade(msgspec.Struct, frozen=True):
    """Switch protocols: `start` owns the raw stream from then on. The client's choice, unless `headers` say."""

    start: Callable[[Duplex], Awaitable[None]]
    headers: Mapping[str, str] = {}


Answer = Response | Pieced | Streaming | Upgrade
Application = Callable[[Request, Peer], Awaitable[Answer]]


class StreamedResponse(Protocol):
    """The client's side of a streamed answer."""

    status: int
    headers: Mapping[str, str]

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Chunks as they arrive; raises ConnectionError when the body is cut."""

    async def close(self) -> None:
        """Hang up."""


class Transport(Protocol):
    """How a client reaches its server: HTTPS, or the application itself in the same process.

    Raises ConnectionError (and its subclasses) or TimeoutError when the server cannot be reached; an HTTP status of
    failure is an answer, not an error.
    """

    async def request(self, request: Request) -> Response:
        """Send, and wait for the whole answer."""

    async def stream(self, request: Request) -> StreamedResponse:
        """Send, and return as soon as the head of the answer is there."""

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        """Ask to switch protocols; no duplex means that the server declined with this response."""

    async def close(self) -> None:
        """Close the connections."""
