"""One connection of the server: bytes in, requests to the application one after the other, answers out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Iterator, Mapping
from typing import Protocol, cast

import httptools

from knarr.wire.bodies import ONE_WRITE, joined, sliced
from knarr.wire.flow import Backpressure, RawStream
from knarr.wire.heads import BODILESS, HeadError, response_head
from knarr.wire.limits import Limits, Room
from knarr.wire.messages import Answer, Application, Peer, Pieced, Response, Streaming, Upgrade
from knarr.wire.parsing import Arrived, RequestReader
from knarr.wire.peers import peer_of
from knarr.wire.sinks import BodySink

log = logging.getLogger(__name__)

_PLAIN = {"content-type": "text/plain; charset=utf-8"}
# Bytes that a peer has not taken which say that it is behind. By its own half a megabyte TLS would keep a buffer of
# that size for each connection that once had a large answer, and copy through more than the processor's cache.
_BEHIND = 2 * ONE_WRITE
_SLICE = 16 * 1024  # bytes that are read before somebody looks how many requests they are
_FAILED = Response(500, _PLAIN, b"internal server error\n")


class Host(Protocol):
    """What a connection needs of its server."""

    application: Application
    oversized: Application
    limits: Limits
    room: Room
    connections: set[ServerConnection]
    closing: bool
    broken_handshakes: int

    def forget(self, connection: ServerConnection) -> None: ...


class ServerConnection(asyncio.Protocol):
    """Reads ahead a few pipelined requests; answers strictly in order."""

    __slots__ = (
        "_answering",
        "_closing",
        "_flow",
        "_host",
        "_loop",
        "_made",
        "_outgoing",
        "_peer",
        "_queue",
        "_raw",
        "_reader",
        "_sink",
        "_tail",
        "_task",
        "_timer",
        "_transport",
        "_unread",
    )

    _transport: asyncio.Transport
    _peer: Peer

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._made = False
        self._flow = Backpressure()
        self._reader = RequestReader(host.limits, self, host.room)
        self._queue: deque[Arrived] = deque()
        self._answering: Arrived | None = None
        self._closing = False  # no further request is taken; the connection ends with the current answer
        self._sink: BodySink | None = None
        self._outgoing: Iterator[bytes | memoryview] | None = None  # what is left of a large body
        self._raw: RawStream | None = None
        self._tail: bytearray | None = None  # what followed a request to switch protocols
        self._task: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread = b""  # what has come behind as many requests as are read ahead

    # The transport's callbacks

    def __del__(self) -> None:
        """A handshake that fails is told to nobody: the connection is let go without having been made."""
        if not self._made:
            self._host.broken_handshakes += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made = True
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._peer = peer_of(self._transport)
        if self._host.closing:
            self._transport.abort()
            return
        self._host.connections.add(self)
        self._transport.set_write_buffer_limits(high=_BEHIND)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._disarm()
        self._flow.lose()
        self._clear()
        self._unread = b""
        self._reader.close()
        if self._sink:
            self._sink.lose()
            if self._task:
                self._task.cancel()
        self._outgoing = None
        if self._raw:
            self._raw.inbox.end()
        self._host.forget(self)

    def pause_writing(self) -> None:
        self._flow.pause()

    def resume_writing(self) -> None:
        self._flow.resume()
        if self._sink:
            self._sink.resume()
        if self._outgoing:
            self._go_on()
        self._next()

    def eof_received(self) -> None:
        if self._raw:
            self._raw.inbox.end()

    def data_received(self, data: bytes) -> None:
        if self._raw:
            self._raw.inbox.feed(data)
        elif self._tail is not None:
            self._hold(data)
        elif not self._closing:
            self._parse(data)

    # Reading

    def _parse(self, data: bytes) -> None:
        """Read on, a slice at a time: thousands of tiny requests that come at once would keep all others waiting."""
        data, self._unread = self._unread + data if self._unread else data, b""
        while data:
            if self._is_ahead():
                self._unread = data
                return
            part, data = (data, b"") if len(data) <= _SLICE else (data[:_SLICE], data[_SLICE:])
            self._feed(part, data)
            if self._tail is not None:
                return

    def _clear(self) -> None:
        """Whoever waits still is not answered any more."""
        self._host.room.give_back(sum(arrived.room for arrived in self._queue))
        self._queue.clear()

    def _is_ahead(self) -> bool:
        return len(self._queue) > self._host.limits.pipeline

    def _feed(self, data: bytes, rest: bytes) -> None:
        try:
            self._reader.feed(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._tail = bytearray()
            self._hold(data[upgrade.args[0] :] + rest)
        except httptools.HttpParserError:
            self._reader.refuse(400, b"malformed HTTP request\n")
        if not self._reader.under_way:
            self._disarm()
        elif self._timer is None:
            self._arm()

    def _hold(self, data: bytes) -> None:
        """Keep what a client sends before we have agreed to switch protocols."""
        assert self._tail is not None
        self._tail += data
        if len(self._tail) > ONE_WRITE:
            self._transport.pause_reading()

    def on_arrived(self, arrived: Arrived) -> None:
        """A request is here, whole."""
        self._queue.append(arrived)
        if self._is_ahead():
            self._transport.pause_reading()
        self._next()

    def send_continue(self) -> None:
        if self._answering is None and not self._queue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _arm(self) -> None:
        """Start the time within which a request must arrive. Most arrive in one piece and never come here."""
        self._timer = self._loop.call_later(self._host.limits.message, self._expire)

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self._answering is None and self._reader.under_way:
            self._reader.refuse(408, b"the request did not arrive in time\n")
        elif self._answering is None:
            self._transport.close()

    # Answering

    def _next(self) -> None:
        """Take up the next request, if the last one is done with and the peer takes what it gets."""
        if self._answering or self._flow.paused or self._raw:
            return
        if self._closing or not self._queue:
            if self._closing:
                self._transport.close()
            return
        self._answering = arrived = self._queue.popleft()
        if len(self._queue) == self._host.limits.pipeline and not self._transport.is_closing():
            self._go_on_reading()
        if arrived.refusal:
            self._send_whole(arrived.refusal)
        else:
            self._task = self._loop.create_task(self._answer(arrived))

    def _go_on_reading(self) -> None:
        if self._unread:
            self._parse(b"")
        if not self._is_ahead():
            self._transport.resume_reading()

    async def _answer(self, arrived: Arrived) -> None:
        application = self._host.oversized if arrived.oversized else self._host.application
        try:
            answer = await application(arrived.request, self._peer)
        except Exception:
            log.exception("%s %s failed", arrived.request.method, arrived.request.path)
            answer = _FAILED
        finally:
            self._host.room.give_back(arrived.room)
        self._task = None
        if self._flow.lost:
            await self._abandon(answer)
            return
        try:
            self._send(answer)
        except HeadError:
            log.exception("%s %s was answered with a bad head", arrived.request.method, arrived.request.path)
            self._send(_FAILED)

    async def _abandon(self, answer: Answer) -> None:
        """Have an answer that goes on end, of which nobody has seen the beginning: it may hold a backend, and somebody
        may want to hear of its end.
        """
        running: Awaitable[None] | None = None
        if isinstance(answer, Streaming):
            sink = BodySink(self._transport, self._flow, chunked=True, ended=lambda: None)
            sink.lose()
            running = answer.start(sink)
        elif isinstance(answer, Upgrade):
            raw = RawStream(self._transport, self._flow)
            raw.inbox.end()
            running = answer.start(raw)
        if running is not None:
            task = asyncio.ensure_future(running)
            await asyncio.sleep(0)  # what has not begun would not clean up either
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _send(self, answer: Answer) -> None:
        if isinstance(answer, Response):
            self._send_whole(answer)
        elif isinstance(answer, Pieced):
            self._send_pieces(answer)
        elif isinstance(answer, Streaming):
            self._send_stream(answer)
        else:
            self._switch(answer)

    def _send_whole(self, answer: Response) -> None:
        assert self._answering is not None
        body = answer.body
        if len(body) >= ONE_WRITE:
            self._send_body(answer.status, answer.headers, len(body), sliced(body))
            return
        framing = "" if answer.status in BODILESS else f"content-length: {len(body)}\r\n"
        head = response_head(answer.status, answer.headers, framing + self._persistence())
        bodiless = self._answering.request.method == "HEAD" or answer.status in BODILESS
        self._transport.write(head if bodiless else head + body)
        self._answered()

    def _send_pieces(self, answer: Pieced) -> None:
        """Of a body that takes a write or two the head is a piece, too: a write less is a third less."""
        assert self._answering is not None
        if answer.size >= _BEHIND or self._answering.request.method == "HEAD":
            self._send_body(answer.status, answer.headers, answer.size, joined(answer.pieces, answer.size))
            return
        head = self._sized_head(answer.status, answer.headers, answer.size)
        self._outgoing = joined([head, *answer.pieces], len(head) + answer.size)
        self._go_on()

    def _send_body(
        self, status: int, headers: Mapping[str, str], size: int, body: Iterator[bytes | memoryview]
    ) -> None:
        """A large body goes as the peer takes it: what it has not taken is neither joined nor encrypted yet."""
        assert self._answering is not None
        self._transport.write(self._sized_head(status, headers, size))
        self._outgoing = iter(()) if self._answering.request.method == "HEAD" else body
        self._go_on()

    def _sized_head(self, status: int, headers: Mapping[str, str], size: int) -> bytes:
        return response_head(status, headers, f"content-length: {size}\r\n{self._persistence()}")

    def _go_on(self) -> None:
        """Write until the peer is behind; it ends the answer to have written everything."""
        while self._outgoing and not self._flow.paused:
            part = next(self._outgoing, None)
            if part is not None:
                self._transport.write(part)
            else:
                self._outgoing = None
                self._answered()

    def _send_stream(self, answer: Streaming) -> None:
        assert self._answering is not None
        chunked = self._answering.version != "1.0"
        self._answering.keep_alive &= chunked
        framing = "transfer-encoding: chunked\r\n" if chunked else ""
        self._transport.write(response_head(answer.status, answer.headers, framing + self._persistence()))
        self._transport.set_write_buffer_limits(high=ONE_WRITE)
        sink = self._sink = BodySink(self._transport, self._flow, chunked=chunked, ended=self._stream_ended)
        if self._answering.request.method == "HEAD":
            self._sink = None
            self._task = self._loop.create_task(self._abandon(answer))
            self._answered()
            return
        running = answer.start(sink)
        if running is not None:
            self._task = self._loop.create_task(self._stream(running, sink))

    async def _stream(self, running: Awaitable[None], sink: BodySink) -> None:
        """Run a stream's task: its end ends the body, its failure cuts it."""
        try:
            await running
        except ConnectionError:
            sink.abort()
        except Exception:
            log.exception("a stream failed")
            sink.abort()
        finally:
            self._task = None
            sink.close()

    def _stream_ended(self) -> None:
        self._sink = None
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
        self._answered()

    def _switch(self, answer: Upgrade) -> None:
        assert self._answering is not None
        asked = {"connection": "Upgrade", "upgrade": self._answering.request.headers.get("upgrade", "")}
        self._transport.write(response_head(101, {**asked, **answer.headers}, ""))
        self._raw = RawStream(self._transport, self._flow)
        if self._tail:
            self._raw.inbox.feed(bytes(self._tail))
            if len(self._tail) > ONE_WRITE and not self._transport.is_closing():
                self._transport.resume_reading()
        self._tail = None
        self._task = self._loop.create_task(self._own(answer, self._raw))

    async def _own(self, answer: Upgrade, raw: RawStream) -> None:
        try:
            await answer.start(raw)
        except ConnectionError:
            log.debug("an upgraded connection broke off")
        except Exception:
            log.exception("an upgraded connection failed")
        finally:
            await raw.close()

    def _persistence(self) -> str:
        """The Connection field where the connection does not simply go on."""
        assert self._answering is not None
        if not self._answering.keep_alive or self._closing or self._tail is not None:
            self._closing = True
            return "connection: close\r\n"
        return "connection: keep-alive\r\n" if self._answering.version == "1.0" else ""

    def _answered(self) -> None:
        self._answering = None
        self._next()

    # The end

    def retire(self) -> bool:
        """Answer what is being answered, end a stream, then close; whether there was nothing to answer."""
        idle = self._answering is None and self._raw is None
        self._closing = True
        self._clear()
        if self._sink:
            self._sink.close()
        else:
            self._next()
        return idle

    def abort(self) -> None:
        self._transport.abort()
