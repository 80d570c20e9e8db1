from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage

from knarr.wire import websockets
from knarr.wire.messages import Duplex, Sink, Streaming

KEY = {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}  # of RFC 6455, 1.3


@dataclass
class Client:
    """The other end: what it says is queued, and all that it hears is kept as events."""

    said: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    heard: list[Event] = field(default_factory=list)
    closed: bool = False
    frames: Connection = field(default_factory=lambda: Connection(ConnectionType.CLIENT))

    def say(self, *events: Event) -> None:
        for event in events:
            self.said.put_nowait(self.frames.send(event))

    async def read(self) -> bytes:
        return await self.said.get()

    async def write(self, data: bytes) -> None:
        self.frames.receive_data(data)
        self.heard.extend(self.frames.events())

    async def close(self) -> None:
        self.closed = True


def test_the_handshake_of_the_standard() -> None:
    accepted = websockets.accepting({**KEY, "sec-websocket-protocol": "a, b"}, "b")
    assert accepted == {
        "upgrade": "websocket",
        "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "sec-websocket-protocol": "b",
    }


async def test_contents_of_messages_are_a_stream() -> None:
    client = Client()
    messages = websockets.Messages(client)
    client.say(BytesMessage(data=b"one", message_finished=False), BytesMessage(data=b"two"), TextMessage(data="three"))
    assert [await messages.read() for _ in range(3)] == [b"one", b"two", b"three"]
    client.say(Ping(payload=b"?"), BytesMessage(data=b""), BytesMessage(data=b"four"))
    assert await messages.read() == b"four"
    assert client.heard == [Pong(payload=b"?")]
    client.say(CloseConnection(code=1000))
    assert await messages.read() == b""


@pytest.mark.parametrize(
    ("messages", "heard"),
    [
        pytest.param(websockets.Messages, BytesMessage(data=b"hello"), id="binary"),
        pytest.param(lambda raw: websockets.Messages(raw, bytes.decode), TextMessage(data="hello"), id="text"),
        pytest.param(lambda raw: websockets.Messages(raw, websockets.in_base64), TextMessage("aGVsbG8="), id="base64"),
    ],
)
async def test_a_write_is_a_message(messages: type[websockets.Messages], heard: Event) -> None:
    client = Client()
    written = messages(client)
    await written.write(b"hello")
    await written.close()
    assert client.heard == [heard, CloseConnection(code=1000, reason="")]
    assert client.closed


@pytest.mark.parametrize(
    "said", [pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="nonsense"), pytest.param(b"", id="nothing")]
)
async def test_who_says_no_messages_has_left(said: bytes) -> None:
    client = Client()
    client.said.put_nowait(said)
    assert await websockets.Messages(client).read() == b""


class Lined:
    """An answer that is written as it comes."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.left = False

    def start(self, sink: Sink) -> None:
        self.sink = sink
        sink.on_close(self._leave)

    def _leave(self) -> None:
        self.left = True


async def _serve(answer: Lined, near: Duplex) -> asyncio.Task[None]:
    upgrade = websockets.lines(KEY, Streaming(answer.start))
    task = asyncio.ensure_future(upgrade.start(near))
    await asyncio.sleep(0)
    return task


async def test_lines_are_messages_and_the_last_one_arrives() -> None:
    answer, client = Lined(), Client()
    task = await _serve(answer, client)
    assert answer.sink
    answer.sink.write(b"one\ntwo\n")
    answer.sink.write(b"three\n")
    assert answer.sink.pending() == 14
    answer.sink.close()
    await task
    heard = [event.data for event in client.heard if isinstance(event, TextMessage)]
    assert (heard, answer.sink.pending(), client.closed) == (["one", "two", "three"], 0, True)


async def test_a_client_that_leaves_ends_the_answer() -> None:
    answer, client = Lined(), Client()
    task = await _serve(answer, client)
    client.say(CloseConnection(code=1000))
    await task
    assert answer.left
