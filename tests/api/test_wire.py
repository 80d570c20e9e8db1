"""The wire's server and client over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from knarr.wire.connections import HTTPTransport
from knarr.wire.limits import Limits
from knarr.wire.messages import Answer, Application, Duplex, Peer, Pieced, Request, Response, Sink, Streaming, Upgrade
from knarr.wire.server import Server
from knarr.wire.tls import client_context, server_context
from tests.api.certificates import Authority

SWITCH = {"connection": "Upgrade", "upgrade": "echo"}


async def echo(request: Request, peer: Peer) -> Answer:
    return Response(200, {"x-method": request.method}, request.path.encode() + b"|" + request.body)


@asynccontextmanager
async def serving(application: Application = echo, limits: Limits | None = None) -> AsyncIterator[tuple[Server, int]]:
    server = Server(application, limits=limits)
    port = await server.listen()
    try:
        yield server, port
    finally:
        await server.close(grace=0)


@asynccontextmanager
async def client(port: int) -> AsyncIterator[HTTPTransport]:
    transport = HTTPTransport(f"http://127.0.0.1:{port}")
    try:
        yield transport
    finally:
        await transport.close()


async def talk(port: int, sent: bytes) -> bytes:
    """What the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def slow_first(request: Request, peer: Peer) -> Answer:
        await asyncio.sleep(0.02 if request.path == "/0" else 0)
        return Response(200, body=request.path.encode())

    requests = [f"GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for n in range(20)]
    last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with serving(slow_first) as (_, port):
        said = await talk(port, b"".join([*requests, last]))
    bodies = [part.split(b"\r\n\r\n")[1] for part in said.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [*(f"/{n}".encode() for n in range(20)), b"/last"]


async def test_of_thousands_of_pipelined_requests_few_are_read_ahead() -> None:
    """Whoever else is there is served meanwhile."""
    go, behind = asyncio.Event(), b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(9000))

    async def waiting(request: Request, peer: Peer) -> Answer:
        if request.path == "/first":
            await go.wait()
        return Response(200, body=request.path.encode())

    async with serving(waiting) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + behind)
        async with asyncio.timeout(5):
            while not (server.connections and all(one._unread for one in server.connections)):
                await asyncio.sleep(0.01)
        (connection,) = server.connections
        assert len(connection._queue) < 1000
        go.set()
        writer.write(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            said = await reader.read()
        writer.close()
    bodies = [part.split(b"\r\n\r\n")[1] for part in said.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"/first", *(b"/%d" % n for n in range(9000)), b"/last"]


async def test_large_bodies_take_so_much_room_and_small_ones_always_find_some() -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def waiting(request: Request, peer: Peer) -> Answer:
        if request.path == "/slow":
            asked.set()
            await go.wait()
        return Response(200, body=b"%d" % len(request.body))

    def post(path: str, size: int) -> bytes:
        return f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode()

    async with serving(waiting, limits=Limits(bodies=300_000)) as (server, port):
        _, unfinished = await asyncio.open_connection("127.0.0.1", port)
        unfinished.write(post("/", 200_000) + b"x" * 199_999)
        reader, slow = await asyncio.open_connection("127.0.0.1", port)
        slow.write(post("/slow", 200_000) + b"x" * 200_000)
        await asked.wait()
        refused = await talk(port, post("/", 200_000) + b"x" * 100_000)
        assert refused.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"retry-after: 1\r\n" in refused
        assert (await talk(port, post("/", 60_000) + b"x" * 60_000)).endswith(b"\r\n\r\n60000")
        unfinished.transport.abort()
        go.set()
        assert (await reader.read()).endswith(b"\r\n\r\n200000")
        assert (await talk(port, post("/", 290_000) + b"x" * 290_000)).endswith(b"\r\n\r\n290000")
        slow.close()
    assert server.room.left == 300_000


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"\x16\x03\x01 nonsense\r\n\r\n", b"400", id="TLS on a plain port"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"400", id="no host"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400", id="smuggling"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + b"x" * 99, b"413", id="oversized"),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_closed(
    sent: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(limits=Limits(body=50)) as (_, port):
        said = await talk(port, sent)
    assert said.split(b" ")[1] == status
    assert b"connection: close" in said
    assert not caplog.records


async def test_a_request_that_never_ends_is_given_up() -> None:
    async with serving(limits=Limits(message=0.05)) as (_, port):
        assert b" 408 " in await talk(port, b"GET / HTTP/1.1\r\nHost:")
        assert await talk(port, b"") == b""


async def test_a_large_body_goes_as_the_peer_takes_it() -> None:
    piece, taken = b"x" * 10_000, []

    class Watched(list[bytes]):
        def __getitem__(self, index: Any) -> Any:
            taken.append(index)
            return super().__getitem__(index)

    async def large(request: Request, peer: Peer) -> Answer:
        pieces = Watched([piece] * 5000) if request.path == "/pieces" else []
        return Pieced(200, {}, pieces, 50_000_000) if pieces else Response(200, body=b"y" * 1_000_000)

    sent = b"".join(b"%b HTTP/1.1\r\nHost: x\r\n\r\n" % line for line in (b"HEAD /pieces", b"GET /pieces", b"GET /"))
    async with serving(large) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n") + await reader.readuntil(b"\r\n\r\n")
        assert head.count(b"content-length: 50000000") == 2
        before = len(taken)
        assert before < 5000 // 6 // 2  # most of it is not even joined before somebody reads
        assert await reader.readexactly(50_000_000) == piece * 5000
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(1_000_000) == b"y" * 1_000_000
        writer.close()


async def test_http_10_gets_its_answer_and_the_end() -> None:
    def start(sink: Sink) -> None:
        sink.write(b"abc")
        sink.close()

    async def stream(request: Request, peer: Peer) -> Answer:
        return Streaming(start)

    async with serving(stream) as (_, port):
        said = await talk(port, b"GET / HTTP/1.0\r\n\r\n")
    assert said.endswith(b"\r\n\r\nabc")


async def test_the_client_keeps_its_connection() -> None:
    ports = []

    async def remember(request: Request, peer: Peer) -> Answer:
        ports.append(peer.port)
        return await echo(request, peer)

    async with serving(remember) as (_, port), client(port) as transport:
        answers = [await transport.request(Request("POST", f"/{n}", body=b"x" * n)) for n in (0, 10, 200_000)]
        head = await transport.request(Request("HEAD", "/h"))
    assert [answer.body for answer in answers] == [b"/0|", b"/10|" + b"x" * 10, b"/200000|" + b"x" * 200_000]
    assert (head.headers["content-length"], head.body) == ("3", b"")
    assert len(set(ports)) == 1


async def test_a_dead_idle_connection_is_replaced_for_reads_and_reported_for_writes() -> None:
    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(answers):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await reader.read(1)
        writer.transport.abort()

    answers = 1
    server = await asyncio.start_server(dying, "127.0.0.1", 0)
    async with server, client(server.sockets[0].getsockname()[1]) as transport:
        assert (await transport.request(Request("GET", "/"))).status == 200
        assert (await transport.request(Request("GET", "/"))).status == 200
        with pytest.raises(ConnectionError):
            await transport.request(Request("POST", "/"))


async def test_a_streams_chunks_arrive_and_hanging_up_cancels_it() -> None:
    gone = asyncio.Event()

    async def ticks(sink: Sink) -> None:
        sink.on_close(gone.set)
        sink.write(b"tick")
        await asyncio.Event().wait()

    async def stream(request: Request, peer: Peer) -> Answer:
        return Streaming(ticks, headers={"x-kind": "ticks"})

    async with serving(stream) as (_, port), client(port) as transport:
        streamed = await transport.stream(Request("GET", "/"))
        assert await anext(aiter(streamed)) == b"tick"
        assert streamed.headers["x-kind"] == "ticks"
        await streamed.close()
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize("lasts", [True, False], ids=["with a task", "without"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_stream_that_nobody_sees_ends(method: str, lasts: bool) -> None:
    """Its client has gone before it began, or wants its head alone."""
    asked, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def start(sink: Sink) -> Awaitable[None] | None:
        if lasts:
            return forever()
        sink.on_close(ended.set)
        return None

    async def streaming(request: Request, peer: Peer) -> Answer:
        asked.set()
        await gone.wait()
        return Streaming(start)

    async with serving(streaming) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asked.wait()
        if method == "GET":
            writer.transport.abort()
            while server.connections:
                await asyncio.sleep(0.001)
        gone.set()
        await asyncio.wait_for(ended.wait(), 5)
        writer.close()


async def test_a_cut_body_is_an_error_to_the_reader() -> None:
    async def start(sink: Sink) -> None:
        sink.write(b"half")
        sink.abort()

    async def stream(request: Request, peer: Peer) -> Answer:
        return Streaming(start)

    async with serving(stream) as (_, port), client(port) as transport:
        with pytest.raises(ConnectionError):
            await transport.request(Request("GET", "/"))


async def test_a_slow_readers_bytes_are_counted_and_drained() -> None:
    seen: list[int] = []

    async def flood(sink: Sink) -> None:
        sink.write(b"x" * 20_000_000)
        seen.append(sink.pending())
        await sink.drain()

    async def stream(request: Request, peer: Peer) -> Answer:
        return Streaming(flood)

    async with serving(stream) as (_, port), client(port) as transport:
        answer = await transport.request(Request("GET", "/"))
    assert len(answer.body) == 20_000_000
    assert seen[0] > 1_000_000


async def shout(duplex: Duplex) -> None:
    while data := await duplex.read():
        await duplex.write(data.upper())


async def test_an_upgraded_connection_is_a_raw_stream() -> None:
    async def upgrade(request: Request, peer: Peer) -> Answer:
        return Upgrade(shout, {"upgrade": "echo"}) if "upgrade" in request.headers else Response(400)

    async with serving(upgrade) as (_, port), client(port) as transport:
        response, duplex = await transport.upgrade(Request("POST", "/", headers=SWITCH))
        assert duplex is not None
        assert (response.status, response.headers["upgrade"]) == (101, "echo")
        await duplex.write(b"hello")
        assert await duplex.read() == b"HELLO"
        await duplex.close()


async def test_a_declined_upgrade_is_an_answer() -> None:
    async with serving() as (_, port), client(port) as transport:
        response, duplex = await transport.upgrade(Request("POST", "/x", headers=SWITCH))
    assert (response.status, response.body, duplex) == (200, b"/x|", None)


async def test_closing_lets_requests_finish_ends_streams_and_cuts_what_stays() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def application(request: Request, peer: Peer) -> Answer:
        if request.path == "/stream":
            return Streaming(lambda sink: sink.write(b"x"))
        if request.path == "/upgrade":
            return Upgrade(shout)
        started.set()
        await release.wait()
        return Response(200, body=b"done")

    server = Server(application)
    port = await server.listen()
    async with client(port) as transport:
        streamed = await transport.stream(Request("GET", "/stream"))
        _, duplex = await transport.upgrade(Request("GET", "/upgrade", headers=SWITCH))
        asked = asyncio.ensure_future(transport.request(Request("GET", "/slow")))
        await started.wait()
        closing = asyncio.ensure_future(server.close(grace=0.3))
        assert [chunk async for chunk in streamed] == [b"x"]
        release.set()
        assert (await asked).body == b"done"
        assert duplex is not None
        await duplex.write(b"on")
        assert await duplex.read() == b"ON"
        assert await duplex.read() == b""
        await closing
        with pytest.raises(ConnectionError):
            await transport.request(Request("GET", "/"))


async def test_an_applications_failure_and_a_split_head_are_500(caplog: pytest.LogCaptureFixture) -> None:
    async def bad(request: Request, peer: Peer) -> Answer:
        if request.path == "/raise":
            raise RuntimeError("boom")
        return Response(200, {"x": "a\r\nset-cookie: b"})

    async with serving(bad) as (_, port), client(port) as transport:
        answers = [await transport.request(Request("GET", path)) for path in ("/raise", "/split")]
    assert [answer.status for answer in answers] == [500, 500]
    assert "set-cookie" not in answers[1].headers
    assert len(caplog.records) == 2


async def test_tls_shows_the_clients_certificate_and_refuses_a_strangers(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "stranger")
    peers: list[Peer] = []

    async def remember(request: Request, peer: Peer) -> Answer:
        peers.append(peer)
        return Response(200)

    pair = ours.issue("server")
    server = Server(remember, tls=server_context(pair.certificate, pair.key, ours.file))
    url = f"https://127.0.0.1:{await server.listen()}"
    known, strange = ours.issue("alice", "admins"), theirs.issue("mallory")

    async def ask(context: ssl.SSLContext) -> Response:
        transport = HTTPTransport(url, tls=context)
        try:
            return await transport.request(Request("GET", "/"))
        finally:
            await transport.close()

    try:
        await ask(client_context(ours.file, known.certificate, known.key))
        await ask(client_context(ours.file))
        with pytest.raises(ConnectionError):
            await ask(client_context(ours.file, strange.certificate, strange.key))
        with pytest.raises(ConnectionError):
            await ask(client_context(theirs.file))
    finally:
        await server.close(grace=1)
    expected = ssl.PEM_cert_to_DER_cert(known.certificate.read_text())
    assert [peer.certificate for peer in peers] == [expected, None]


def test_everything_over_tls_on_uvloop(tmp_path: Path) -> None:
    """uvloop's transports are not asyncio's: requests, streams, upgrades and the end once more, on them."""
    authority = Authority(tmp_path)
    pair = authority.issue("server")

    async def application(request: Request, peer: Peer) -> Answer:
        if request.path == "/upgrade":
            return Upgrade(shout)
        if request.path == "/stream":
            return Streaming(flood)
        return await echo(request, peer)

    async def flood(sink: Sink) -> None:
        for _ in range(100):
            sink.write(b"x" * 100_000)
            await sink.drain()

    async def scenario() -> None:
        server = Server(application, tls=server_context(pair.certificate, pair.key, authority.file))
        url = f"https://127.0.0.1:{await server.listen()}"
        transport = HTTPTransport(url, tls=client_context(authority.file))
        assert (await transport.request(Request("PUT", "/", body=b"y" * 100_000))).body == b"/|" + b"y" * 100_000
        assert len((await transport.request(Request("GET", "/stream"))).body) == 10_000_000
        _, duplex = await transport.upgrade(Request("POST", "/upgrade", headers=SWITCH))
        assert duplex is not None
        await duplex.write(b"hello")
        assert await duplex.read() == b"HELLO"
        await duplex.close()
        await server.close(grace=1)
        with pytest.raises(ConnectionError):
            await transport.request(Request("GET", "/"))
        await transport.close()

    uvloop.run(scenario())
