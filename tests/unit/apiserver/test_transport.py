from __future__ import annotations

import asyncio

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.transport import InProcessTransport
from knarr.wire.flow import READ_AHEAD
from knarr.wire.messages import Answer, Request, Response, Sink, Streaming

ALICE = User("alice")
GET = Request("GET", "/")


class Constant:
    """Answers the same to everybody, and remembers who asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.users: list[User] = []

    async def serve(self, request: Request, user: User) -> Answer:
        self.users.append(user)
        return self.answer


async def test_requests_are_the_users() -> None:
    application = Constant(Response(200, {"a": "b"}, b"c"))
    assert await InProcessTransport(application, ALICE).request(GET) == Response(200, {"a": "b"}, b"c")
    assert application.users == [ALICE]


async def test_a_whole_answer_can_be_read_as_a_stream() -> None:
    streamed = await InProcessTransport(Constant(Response(404, body=b"no")), ALICE).stream(GET)
    assert (streamed.status, [chunk async for chunk in streamed]) == (404, [b"no"])


async def test_a_subscribed_stream_ends_when_its_sink_is_closed() -> None:
    sinks: list[Sink] = []
    streamed = await InProcessTransport(Constant(Streaming(sinks.append)), ALICE).stream(GET)
    sinks[0].write(b"one")
    chunks = aiter(streamed)
    assert await anext(chunks) == b"one"
    sinks[0].write(b"two")
    sinks[0].close()
    assert [chunk async for chunk in chunks] == [b"two"]


async def test_a_cut_stream_gives_what_came_and_then_an_error() -> None:
    def start(sink: Sink) -> None:
        sink.write(b"half")
        sink.abort()

    chunks = aiter(await InProcessTransport(Constant(Streaming(start)), ALICE).stream(GET))
    assert await anext(chunks) == b"half"
    with pytest.raises(ConnectionError):
        await anext(chunks)


async def test_hanging_up_tells_the_handler_and_cancels_its_task() -> None:
    gone, cancelled = asyncio.Event(), asyncio.Event()

    async def start(sink: Sink) -> None:
        sink.on_close(gone.set)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    streamed = await InProcessTransport(Constant(Streaming(start)), ALICE).stream(GET)
    await asyncio.sleep(0)
    await streamed.close()
    assert gone.is_set() and cancelled.is_set()


async def test_a_slow_readers_lag_is_seen_and_waited_for() -> None:
    pending: list[int] = []

    async def start(sink: Sink) -> None:
        sink.write(b"x" * (READ_AHEAD + 1))
        pending.append(sink.pending())
        await sink.drain()
        pending.append(sink.pending())

    streamed = await InProcessTransport(Constant(Streaming(start)), ALICE).stream(GET)
    assert sum([len(chunk) async for chunk in streamed]) == READ_AHEAD + 1
    assert pending == [READ_AHEAD + 1, 0]


async def test_closing_the_transport_ends_its_streams() -> None:
    transport = InProcessTransport(Constant(Streaming(lambda sink: None)), ALICE)
    streamed = await transport.stream(GET)
    await transport.close()
    assert [chunk async for chunk in streamed] == []
