"""gRPC calls against a server made of h2 alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from knarr.kubelet.cri.grpc import Channel, frame
from knarr.kubelet.cri.runtime import NotFoundInRuntime, RuntimeFailure, RuntimeUnavailable


class Server(asyncio.Protocol):
    """Answers by the method's name."""

    def __init__(self) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.methods: dict[int, str] = {}
        self.bodies: dict[int, bytearray] = {}

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
                case StreamEnded():
                    self.answer(event.stream_id, bytes(self.bodies[event.stream_id]))
        self.flush()

    def answer(self, stream: int, body: bytes) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc")]
        match self.methods[stream]:
            case "/echo":
                self.h2.send_headers(stream, headers)
                self.h2.send_data(stream, frame(str(len(body) - 5).encode()))
                self.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
            case "/three":
                self.h2.send_headers(stream, headers)
                self.h2.send_data(stream, frame(b"1") + frame(b"2") + frame(b"3"))
                self.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
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


async def test_stream(channel: Channel) -> None:
    assert [message async for message in await channel.stream("/three", b"")] == [b"1", b"2", b"3"]


async def test_a_failure_keeps_its_code_and_words(channel: Channel) -> None:
    with pytest.raises(NotFoundInRuntime, match=r'^rpc error: code = NotFound desc = no "x"$'):
        await channel.unary("/missing", b"")


async def test_too_late(channel: Channel) -> None:
    with pytest.raises(RuntimeFailure, match=r"^rpc error: code = DeadlineExceeded desc = /never took longer"):
        await channel.unary("/never", b"", 0.01)


async def test_a_broken_connection_is_made_anew(channel: Channel) -> None:
    with pytest.raises(RuntimeUnavailable):
        await channel.unary("/hangup", b"")
    assert await channel.unary("/echo", b"xx") == b"2"


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="No such file or directory"):
        await Channel(str(tmp_path / "none")).unary("/echo", b"")
