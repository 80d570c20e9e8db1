"""gRPC calls against a server made of h2 alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, WindowUpdated

from knarr.wire.grpc import Call, CallError, Channel
from knarr.wire.grpc.frames import GOAWAY, pack
from knarr.wire.grpc.frames import message as frame

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]


class Server(asyncio.Protocol):
    """Answers by the method's name."""

    def __init__(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.methods: dict[int, str] = {}
        self.bodies: dict[int, bytearray] = {}
        self.floods: dict[int, bytes] = {}
        self.talking: set[int] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            match event:
                case RequestReceived():
                    headers = {str(name): str(value) for name, value in event.headers}
                    self.methods[event.stream_id], self.bodies[event.stream_id] = headers[":path"], bytearray()
                case DataReceived():
                    self.bodies[event.stream_id] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.talk(event.stream_id)
                case StreamEnded():
                    self.answer(event.stream_id, bytes(self.bodies[event.stream_id]))
                case WindowUpdated():
                    self.go_on()
        self.flush()

    def talk(self, stream: int) -> None:
        """As soon as a message has come, it goes back."""
        if self.methods[stream] == "/talk" and self.bodies[stream]:
            if stream not in self.talking:
                self.h2.send_headers(stream, HEADERS)
                self.talking.add(stream)
            self.h2.send_data(stream, bytes(self.bodies[stream]))
            self.bodies[stream].clear()

    def go_on(self) -> None:
        """With a flood, as far as the client lets it."""
        for stream, left in tuple(self.floods.items()):
            while left and (size := min(self.h2.local_flow_control_window(stream), 16384, len(left))):
                self.h2.send_data(stream, left[:size])
                left = left[size:]
            self.floods[stream] = left
            if not left:
                del self.floods[stream]
                self.h2.send_headers(stream, OK, end_stream=True)

    def answer(self, stream: int, body: bytes) -> None:
        headers = HEADERS
        match self.methods[stream]:
            case "/talk":
                self.h2.send_headers(stream, OK, end_stream=True)
            case "/flood":
                self.h2.send_headers(stream, headers)
                self.floods[stream] = frame(bytes(100_000)) * 200
                self.go_on()
            case "/goaway":
                self.h2.send_headers(stream, headers)
                self.h2.send_data(stream, frame(b""))
                self.h2.send_headers(stream, OK, end_stream=True)
                self.transport.write(self.h2.data_to_send() + pack(GOAWAY, 0, 0, bytes(3) + bytes([stream]) + bytes(4)))
            case "/echo":
                self.h2.send_headers(stream, headers)
                self.h2.send_data(stream, frame(str(len(body) - 5).encode()))
                self.h2.send_headers(stream, OK, end_stream=True)
            case "/three":
                self.h2.send_headers(stream, headers)
                self.h2.send_data(stream, frame(b"1") + frame(b"2") + frame(b"3"))
                self.h2.send_headers(stream, OK, end_stream=True)
            case "/missing":
                failed = [*headers, ("grpc-status", "5"), ("grpc-message", "no %22x%22")]
                self.h2.send_headers(stream, failed, end_stream=True)
            case "/hangup":
                self.transport.close()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[Channel]:
    path = str(tmp_path / "s")
    server = await asyncio.get_running_loop().create_unix_server(Server, path)
    channel = Channel(path)
    yield channel
    await channel.close()
    server.close()


@pytest.mark.parametrize("size", [0, 1, 300_000], ids=["empty", "small", "beyond the window"])
async def test_unary(channel: Channel, size: int) -> None:
    assert await channel.unary("/echo", b"x" * size) == str(size).encode()


async def messages(call: Call) -> list[bytes]:
    found = []
    while (message := await call.receive()) is not None:
        found.append(message)
    return found


async def test_stream(channel: Channel) -> None:
    call = await channel.begin("/three")
    call.send(b"", last=True)
    assert await messages(call) == [b"1", b"2", b"3"]


async def test_both_sides_speak_in_turn(channel: Channel) -> None:
    call = await channel.begin("/talk")
    for word in (b"one", b"two"):
        call.send(word)
        assert await call.receive() == word
    call.send(b"three", last=True)
    assert await messages(call) == [b"three"]


async def test_a_reader_who_takes_his_time_holds_back_his_own_call_alone(channel: Channel) -> None:
    flood = await channel.begin("/flood")
    flood.send(b"", last=True)
    assert await channel.unary("/echo", b"x") == b"1"
    assert sum(map(len, await messages(flood))) == 200 * 100_000


async def test_many_calls_at_once(channel: Channel) -> None:
    answers = await asyncio.gather(*(channel.unary("/echo", b"x" * n) for n in range(200)))
    assert answers == [str(n).encode() for n in range(200)]


async def test_a_server_that_goes_away_lets_calls_end_and_takes_no_more(channel: Channel) -> None:
    talk = await channel.begin("/talk")
    talk.send(b"one")
    assert await talk.receive() == b"one"
    assert await channel.unary("/goaway", b"") == b""
    assert await channel.unary("/echo", b"x") == b"1", "on a new connection"
    talk.send(b"two", last=True)
    assert await messages(talk) == [b"two"]


class Speaker(asyncio.Protocol):
    """Says its piece and listens no more than it must."""

    def __init__(self, piece: bytes = b"") -> None:
        self.piece, self.lost = piece, asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.piece)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def speaking(path: Path, speaker: Speaker, keepalive: float = 0.02) -> AsyncIterator[Channel]:
    server = await asyncio.get_running_loop().create_unix_server(lambda: speaker, str(path / "s"))
    yield Channel(str(path / "s"), keepalive=keepalive)
    await speaker.lost.wait()
    server.close()


@pytest.mark.parametrize(("keepalive", "patience"), [(0.02, 30), (30, 0.02)], ids=["silent for long", "waited for"])
async def test_a_silent_server_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keepalive: float, patience: float
) -> None:
    monkeypatch.setattr("knarr.wire.grpc.liveness.ANSWER", 0.02)
    monkeypatch.setattr("knarr.wire.grpc.liveness.PATIENCE", patience)
    async with speaking(tmp_path, Speaker(), keepalive) as channel:
        with pytest.raises(CallError, match="nothing was heard"):
            await channel.unary("/echo", b"", 5)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, id="another protocol"),
        pytest.param(b"\0\0\1\1\4\0\0\0\1\xff", id="headers that cannot be decoded"),
        pytest.param(b"\0\0\1\0\x08\0\0\0\1\x09", id="more padding than payload"),
        pytest.param(b"\0\0\5\0\0\0\0\0\1\1\0\0\0\0", id="a compressed message"),
        pytest.param(b"\0\0\4\5\4\0\0\0\1\0\0\0\2", id="a push"),
        pytest.param(b"\0\0\0\1\0\0\0\0\1" + b"\0\0\0\0\0\0\0\0\1", id="interrupted headers"),
    ],
)
async def test_nonsense_ends_the_connection(tmp_path: Path, answer: bytes) -> None:
    async with speaking(tmp_path, Speaker(answer)) as channel:
        with pytest.raises(CallError) as failure:
            await channel.unary("/echo", b"", 5)
    assert failure.value.code == "Unavailable"


async def test_a_failure_keeps_its_code_and_words(channel: Channel) -> None:
    with pytest.raises(CallError, match=r'^rpc error: code = NotFound desc = no "x"$'):
        await channel.unary("/missing", b"")


async def test_too_late(channel: Channel) -> None:
    with pytest.raises(CallError, match=r"^rpc error: code = DeadlineExceeded desc = /never took longer"):
        await channel.unary("/never", b"", 0.01)


async def test_a_broken_connection_is_made_anew(channel: Channel) -> None:
    with pytest.raises(CallError) as failure:
        await channel.unary("/hangup", b"")
    assert (failure.value.code, failure.value.unseen) == ("Unavailable", False)
    assert await channel.unary("/echo", b"xx") == b"2"


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="No such file or directory") as failure:
        await Channel(str(tmp_path / "none")).unary("/echo", b"")
    assert failure.value.unseen
