"""One connection of a client: a request out, its answer in, then the next."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import cast

import httptools

from knarr.wire.flow import READ_AHEAD, Backpressure, Inbox, RawStream
from knarr.wire.heads import field_name
from knarr.wire.limits import HEAD_LIMIT


class ClientConnection(asyncio.Protocol):
    """Carries one exchange at a time. `reusable` when the last one has ended and the connection may go on."""

    __slots__ = (
        "_delimited",
        "_done",
        "_fields",
        "_flow",
        "_head",
        "_head_bytes",
        "_head_only",
        "_inbox",
        "_lost",
        "_parser",
        "_raw",
        "_transport",
        "context",
        "headers",
        "reusable",
        "status",
    )

    _transport: asyncio.Transport

    def __init__(self, lost: Callable[[ClientConnection], None]) -> None:
        self._lost = lost
        self._flow = Backpressure()
        self._parser: httptools.HttpResponseParser | None = None
        self._head: asyncio.Future[None] | None = None
        self._inbox: Inbox | None = None
        self._raw: RawStream | None = None
        self._done = True
        self.context: ssl.SSLContext | None = None  # what it was secured with
        self.reusable = False
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def send(self, head: bytes, body: bytes, *, head_only: bool) -> None:
        """Send a request; returns when the head of its answer is in `status` and `headers`.

        Raises ConnectionResetError when the connection breaks before.
        """
        if self._transport.is_closing():
            raise ConnectionResetError("the server has closed the connection")
        self._begin(head_only)
        self._head = asyncio.get_running_loop().create_future()
        self._transport.write(head + body if len(body) < 65536 else head)
        if len(body) >= 65536:
            self._transport.write(body)
        await self._head

    async def read(self) -> bytes:
        """The next bytes of the answer's body; empty at its end. Raises ConnectionError when it is cut."""
        assert self._inbox is not None
        return await self._inbox.read()

    def switch(self) -> RawStream:
        """After a 101: the raw stream, which owns the connection from now on."""
        assert self._raw is not None
        return self._raw

    def close(self) -> None:
        self.reusable = False
        self._transport.close()

    def abort(self) -> None:
        self.reusable = False
        self._transport.abort()

    # The transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._flow.lose()
        self._parser = None
        if self._raw:
            self._raw.inbox.end()
        self._break_off(exc)
        self._lost(self)

    def pause_writing(self) -> None:
        self._flow.pause()

    def resume_writing(self) -> None:
        self._flow.resume()

    def data_received(self, data: bytes) -> None:
        if self._raw:
            self._raw.inbox.feed(data)
        elif self._parser is None:  # bytes that nobody asked for
            self.abort()
        else:
            self._parse(self._parser, data)

    def _parse(self, parser: httptools.HttpResponseParser, data: bytes) -> None:
        if self._head and not self._head.done():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT + READ_AHEAD:  # some of which may be the body's beginning
                self._break_off(ConnectionAbortedError("the answer's head is too large"))
                self.abort()
                return
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._raw and upgrade.args[0] < len(data):
                self._raw.inbox.feed(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._break_off(ConnectionAbortedError(f"malformed answer: {error}"))
            self.abort()

    def _begin(self, head_only: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._head_bytes = 0
        self._done = self.reusable = False

    def _break_off(self, exc: Exception | None) -> None:
        """The connection went: an error, unless its end is what ends the body."""
        closed = ConnectionResetError(f"the server closed the connection: {exc or 'end of stream'}")
        error = exc if isinstance(exc, ConnectionAbortedError) else closed  # by us, who know why
        if self._head and not self._head.done():
            self._head.set_exception(error)
        if self._inbox and not self._done:
            self._inbox.end(error if self._delimited or exc else None)
        self._done = True

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._fields: dict[str, str] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        field, text = field_name(name), value.decode("latin-1")
        known = self._fields.get(field)
        self._fields[field] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self.status, self.headers = status, self._fields
        self._delimited = "content-length" in self._fields or "transfer-encoding" in self._fields
        self._inbox = Inbox(self._transport)
        if status == 101:
            self._raw = RawStream(self._transport, self._flow)
        if self._head_only:
            self._complete(reusable=False)  # the parser would wait for a body that never comes
        if self._head and not self._head.done():
            self._head.set_result(None)

    def on_body(self, data: bytes) -> None:
        if self._inbox and not self._done:
            self._inbox.feed(data)

    def on_message_complete(self) -> None:
        if self._parser is not None and self._inbox is not None and not self._done:
            self._complete(reusable=self._parser.should_keep_alive() and self._raw is None)

    def _complete(self, *, reusable: bool) -> None:
        assert self._inbox is not None
        self._done = True
        self.reusable = reusable
        self._parser = None
        self._inbox.end()
