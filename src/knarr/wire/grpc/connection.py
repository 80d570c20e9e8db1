"""One HTTP/2 connection: frames to calls, calls to frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from hpack import Decoder
from hpack.exceptions import HPACKError

from knarr.wire.grpc import errors, frames
from knarr.wire.grpc.call import STREAM_WINDOW, Call
from knarr.wire.grpc.frames import Frame, MalformedError
from knarr.wire.grpc.liveness import Liveness

CONNECTION_WINDOW = 32 << 20
LAST_STREAM = 0x7FFF_FFFF


class Connection(asyncio.Protocol):
    """See the module's docstring. `open` while new calls may begin; the ones under way go on after that.

    With `keepalive` seconds, a server that has been silent for so long while calls are under way, or for less while one
    waits for its answer, is asked for a sign of life, and given up when it gives none.
    """

    def __init__(self, keepalive: float | None = None) -> None:
        self.open = True
        self.lost = asyncio.Event()
        self.calls: dict[int, Call] = {}
        self._keepalive = keepalive
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._liveness: Liveness | None = None
        self._next = 1
        self._rest = b""
        self._out: list[bytes] = []
        self._window = self._stream_window = frames.WINDOW  # what the server takes
        self._owed = 0  # what we have taken and not given room for again
        self._frame_size = frames.FRAME_SIZE
        self._decoder = Decoder()
        self._block: tuple[Frame, bytearray] | None = None  # headers that go on in CONTINUATION frames
        self._handlers: Mapping[int, Callable[[Frame], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
        }

    # For calls and channels

    def begin(self, block: bytes) -> Call:
        """A new call with these headers."""
        call = Call(self, self._next, self._stream_window)
        self._next += 2
        self.open = self.open and self._next < LAST_STREAM
        self.calls[call.stream] = call
        self._write(frames.pack(frames.HEADERS, frames.END_HEADERS, call.stream, block))
        if self._liveness:
            self._liveness.sent()
        return call

    def send(self, call: Call) -> None:
        """Send as much of the call as the windows allow, and end the stream with its last byte."""
        while call.pending:
            size = min(self._window, call.window, self._frame_size, len(call.pending))
            if size <= 0:
                return
            chunk, call.pending = call.pending[:size], call.pending[size:]
            self._window -= size
            call.window -= size
            last = call.pending_end and not call.pending
            self._write(frames.pack(frames.DATA, frames.END_STREAM if last else 0, call.stream, chunk))

    def allow(self, stream: int, size: int) -> None:
        self._write(frames.window_update(stream, size))

    def cancel(self, call: Call) -> None:
        if call.stream in self.calls:
            self._write(frames.pack(frames.RST_STREAM, 0, call.stream, frames.CANCEL.to_bytes(4, "big")))
            self._forget(call)

    def close(self) -> None:
        """Send what is left, and part; the connection is `lost` when both sides have."""
        self.open = False
        if self._transport:
            self._flush()
            self._transport.close()

    def abort(self) -> None:
        self.open = False
        if self._transport:
            self._transport.abort()

    # The transport's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._out.insert(
            0,
            frames.PREFACE
            + frames.pack_settings({frames.ENABLE_PUSH: 0, frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW})
            + frames.window_update(0, CONNECTION_WINDOW - frames.WINDOW),
        )
        self._flush()
        if self._keepalive:
            self._liveness = Liveness(self._keepalive, lambda: bool(self.calls), self._ping, self._give_up)

    def data_received(self, data: bytes) -> None:
        if self._liveness:
            self._liveness.heard()
        try:
            for frame in frames.split(self._rest + data if self._rest else data):
                if isinstance(frame, Frame):
                    self._handle(frame)
                else:
                    self._rest = frame
        except (MalformedError, HPACKError, IndexError) as error:
            self._lose(errors.broken(f"malformed answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lose(errors.broken(exc or "closed"))
        self.lost.set()

    # Frames

    def _handle(self, frame: Frame) -> None:
        if self._block:
            self._on_continuation(frame)
        elif handler := self._handlers.get(frame.kind):
            handler(frame)

    def _on_data(self, frame: Frame) -> None:
        size = len(frame.payload)
        self._owed += size
        if self._owed > CONNECTION_WINDOW // 2:
            self.allow(0, self._owed)
            self._owed = 0
        if call := self.calls.get(frame.stream):
            call.take(frames.content(frame), size)
            if frame.flags & frames.END_STREAM:
                self._end(call)

    def _on_headers(self, frame: Frame) -> None:
        block = bytearray(frames.content(frame))
        if frame.flags & frames.END_HEADERS:
            self._take_headers(frame, bytes(block))
        else:
            self._block = frame, block

    def _on_continuation(self, frame: Frame) -> None:
        assert self._block
        first, block = self._block
        if frame.kind != frames.CONTINUATION or frame.stream != first.stream:
            raise MalformedError("headers were interrupted")
        block += frame.payload
        if len(block) > frames.FRAME_SIZE * 4:
            raise MalformedError("headers without end")
        if frame.flags & frames.END_HEADERS:
            self._block = None
            self._take_headers(first, bytes(block))

    def _take_headers(self, frame: Frame, block: bytes) -> None:
        """Decoded also where the call has gone, since the decoder remembers what later ones refer to."""
        headers = self._decoder.decode(block, raw=True)
        if call := self.calls.get(frame.stream):
            call.headers.update(headers)
            if frame.flags & frames.END_STREAM:
                self._end(call)

    def _end(self, call: Call) -> None:
        """The server has nothing more to say; what it does not want to hear any more is not sent."""
        if call.pending or not call.pending_end:
            self.cancel(call)
        self._forget(call)
        call.finish(errors.ended(call.headers))

    def _on_reset(self, frame: Frame) -> None:
        if call := self.calls.get(frame.stream):
            self._forget(call)
            call.finish(errors.reset(int.from_bytes(frame.payload[:4], "big")))

    def _forget(self, call: Call) -> None:
        """The last call of a connection that takes no more takes it along."""
        self.calls.pop(call.stream, None)
        if not self.open and not self.calls:
            self.close()

    def _on_settings(self, frame: Frame) -> None:
        if frame.flags & frames.ACK:
            return
        for name, value in frames.read_settings(frame.payload):
            if name == frames.INITIAL_WINDOW_SIZE:
                for call in self.calls.values():
                    call.window += value - self._stream_window
                self._stream_window = value
            elif name == frames.MAX_FRAME_SIZE:
                self._frame_size = value
        self._write(frames.pack(frames.SETTINGS, frames.ACK, 0))
        self._send_pending()

    def _on_push(self, frame: Frame) -> None:
        raise MalformedError("a push that nobody allowed")

    def _on_ping(self, frame: Frame) -> None:
        if not frame.flags & frames.ACK:
            self._write(frames.pack(frames.PING, frames.ACK, 0, frame.payload))

    def _on_goaway(self, frame: Frame) -> None:
        """No new calls; those that the server has not begun with may be made elsewhere."""
        self.open = False
        last = int.from_bytes(frame.payload[:4], "big") & LAST_STREAM
        for stream in [stream for stream in self.calls if stream > last]:
            self.calls.pop(stream).finish(errors.broken("the server is going away", unseen=True))
        if not self.calls:
            self.close()

    def _on_window_update(self, frame: Frame) -> None:
        size = int.from_bytes(frame.payload[:4], "big")
        if frame.stream == 0:
            self._window += size
            self._send_pending()
        elif call := self.calls.get(frame.stream):
            call.window += size
            self.send(call)

    def _send_pending(self) -> None:
        for call in tuple(self.calls.values()):
            self.send(call)

    # Life

    def _write(self, data: bytes) -> None:
        """What many calls write in one turn of the loop goes out as one piece."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._transport and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _ping(self) -> None:
        self._write(frames.pack(frames.PING, 0, 0, b"knarr ok"))

    def _give_up(self, silence: float) -> None:
        self._lose(errors.broken(f"nothing was heard for {silence:.0f} s"))

    def _lose(self, failure: errors.CallError) -> None:
        """End everything; each call gets an exception of its own, since a raised one gathers tracebacks."""
        self.abort()
        if self._liveness:
            self._liveness.stop()
        calls, self.calls = self.calls, {}
        for call in calls.values():
            call.finish(errors.CallError(failure.code, failure.message))
