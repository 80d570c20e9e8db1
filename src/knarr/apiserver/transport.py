"""The in-process Transport: a component in the API server's process, through the same chain without a socket."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from knarr.apiserver.authn.users import User
from knarr.wire.flow import READ_AHEAD
from knarr.wire.messages import Answer, Duplex, Pieced, Request, Response, Sink, StreamedResponse, Streaming

log = logging.getLogger(__name__)


class Serving(Protocol):
    """The part of the Application behind authentication."""

    async def serve(self, request: Request, user: User) -> Answer: ...


class InProcessTransport:
    """Requests as `user`; bodies are bytes both ways. Upgrades are declined: there is no connection to switch."""

    def __init__(self, application: Serving, user: User) -> None:
        self._application = application
        self._user = user
        self._pipes: set[_Pipe] = set()

    async def request(self, request: Request) -> Response:
        answer = await self._application.serve(request, self._user)
        if isinstance(answer, Pieced):
            return answer.joined()
        if isinstance(answer, Response):
            return answer
        streamed = self._open(answer)
        return Response(streamed.status, streamed.headers, b"".join([chunk async for chunk in streamed]))

    async def stream(self, request: Request) -> StreamedResponse:
        return self._open(await self._application.serve(request, self._user))

    async def upgrade(self, request: Request) -> tuple[Response, Duplex | None]:
        headers = {name: value for name, value in request.headers.items() if name != "upgrade"}
        declined = Request(request.method, request.path, request.query, headers, request.body)
        return await self.request(declined), None

    async def close(self) -> None:
        for pipe in tuple(self._pipes):
            await pipe.hang_up()

    def _open(self, answer: Answer) -> _Received:
        pipe = _Pipe(self._pipes.discard)
        if isinstance(answer, Pieced):
            for piece in answer.pieces:
                pipe.write(bytes(piece))
            pipe.close()
        elif isinstance(answer, Response):
            pipe.write(answer.body)
            pipe.close()
        elif isinstance(answer, Streaming):
            self._pipes.add(pipe)
            pipe.run(answer.start)
        else:
            raise ConnectionAbortedError("there is no connection in process that could switch protocols")
        return _Received(answer.status, answer.headers, pipe)


class _Pipe:
    """The handler's end, a `Sink`. It takes what is written; `pending` tells the handler of a reader that lags."""

    def __init__(self, forget: Callable[[_Pipe], None]) -> None:
        self._forget = forget
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._whole = True
        self._callbacks: list[Callable[[], None]] = []
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Future[None] | None = None

    def run(self, start: Callable[[Sink], Awaitable[None] | None]) -> None:
        """Let the handler begin; where it has a task, the task's end is the stream's."""
        running = start(self)
        if running is not None:
            self._task = asyncio.ensure_future(self._finish_with(running))

    def write(self, data: bytes) -> None:
        if data and not self._closed:
            self._chunks.append(data)
            self._size += len(data)
            self._filled.set()

    def close(self) -> None:
        self._end(whole=True)

    def abort(self) -> None:
        self._end(whole=False)

    def pending(self) -> int:
        return self._size

    def on_close(self, callback: Callable[[], None]) -> None:
        if self._closed:
            callback()
        else:
            self._callbacks.append(callback)

    async def drain(self) -> None:
        while self._size > READ_AHEAD and not self._closed:
            self._emptied.clear()
            await self._emptied.wait()
        if self._closed:
            raise ConnectionResetError("the reader has hung up")

    async def read(self) -> bytes:
        """All that was written; empty at the end. Raises ConnectionResetError when the stream was cut."""
        while not self._chunks and not self._closed:
            self._filled.clear()
            await self._filled.wait()
        if not self._chunks and not self._whole:
            raise ConnectionResetError("the stream was cut")
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self._emptied.set()
        return data

    async def hang_up(self) -> None:
        """The reader wants no more."""
        self._chunks.clear()
        self._end(whole=True)
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _finish_with(self, running: Awaitable[None]) -> None:
        try:
            await running
        except ConnectionError:
            self.abort()
        except Exception:
            log.exception("a stream failed")
            self.abort()
        finally:
            self.close()

    def _end(self, *, whole: bool) -> None:
        if self._closed:
            return
        self._closed, self._whole = True, whole
        self._forget(self)
        self._filled.set()
        self._emptied.set()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class _Received:
    """The client's end."""

    def __init__(self, status: int, headers: Mapping[str, str], pipe: _Pipe) -> None:
        self.status = status
        self.headers = headers
        self._pipe = pipe

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._pipe.read():
            yield data

    async def close(self) -> None:
        await self._pipe.hang_up()
