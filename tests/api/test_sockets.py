"""What browsers and most client libraries exec, attach, forward ports and read logs by: WebSockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websocket

from knarr.cluster.completing import own_address
from knarr.wire.messages import Answer, Duplex, Peer, Request, Sink, Streaming, Upgrade
from knarr.wire.server import Server
from tests.api.access import bind, role
from tests.api.certificates import Pair
from tests.api.front import Running

PODS = "/api/v1/namespaces/default/pods"
SOCKET = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "MDEy"}
TUNNELLED = "SPDY/3.1+portforward.k8s.io"


async def _shout(duplex: Duplex) -> None:
    while data := await duplex.read():
        await duplex.write(data.upper())


async def _socket(front: Running, admin: Pair, path: str, *protocols: str) -> Any:
    """A client's WebSocket, and what the API server has agreed to."""
    options = {"ca_certs": str(front.authority.file), "certfile": str(admin.certificate), "keyfile": str(admin.key)}
    url = front.url.replace("https", "wss") + path
    return await asyncio.to_thread(websocket.create_connection, url, sslopt=options, subprotocols=protocols, timeout=10)


async def _leave(socket: Any) -> None:
    await asyncio.to_thread(socket.close)
    socket.shutdown()  # `close` does not, where the server has closed before


@pytest.mark.parametrize(
    ("path", "query", "asked"),
    [
        pytest.param("exec", "command=sh&stdin=true", ("/exec/default/p/a", "input=1&command=sh"), id="exec"),
        pytest.param("attach", "stdout=true", ("/attach/default/p/a", "output=1"), id="attach"),
        pytest.param("portforward", "ports=80&ports=81", ("/portForward/default/p", "port=80%2C81"), id="portforward"),
    ],
)
async def test_sockets_come_to_the_kubelet_as_they_are(
    front: Running, admin: Pair, path: str, query: str, asked: tuple[str, str]
) -> None:
    await front.running_pod("p", "a")
    agreed = {"upgrade": "websocket", "sec-websocket-protocol": "v4.channel.k8s.io", "sec-websocket-accept": "x"}
    front.kubelet.answer = Upgrade(_shout, agreed)
    transport = front.transport(admin)
    wanted = {**SOCKET, "sec-websocket-protocol": "v5.channel.k8s.io, v4.channel.k8s.io"}
    response, duplex = await transport.upgrade(Request("GET", f"{PODS}/p/{path}", query, wanted))
    assert duplex is not None
    assert {name: response.headers.get(name) for name in agreed} == agreed
    await duplex.write(b"hello")
    assert await duplex.read() == b"HELLO"
    await duplex.close()
    await transport.close()
    request = front.kubelet.asked[-1]
    assert (request.method, (request.path, request.query)) == ("GET", asked)
    assert {name: request.headers[name].lower() for name in wanted} == {k: v.lower() for k, v in wanted.items()}


async def test_port_forwards_spdy_comes_out_of_its_messages(front: Running, admin: Pair) -> None:
    await front.running_pod("p", "a")
    front.kubelet.answer = Upgrade(_shout, {"upgrade": "SPDY/3.1"})
    socket = await _socket(front, admin, f"{PODS}/p/portforward", TUNNELLED)
    assert socket.subprotocol == TUNNELLED.lower()
    payload = bytes(range(97, 123)) * 20_000
    socket.send_binary(b"")
    socket.ping("still there?")
    await asyncio.to_thread(socket.send_binary, payload)
    received = b""
    while len(received) < len(payload):
        received += await asyncio.to_thread(socket.recv)
    assert received == payload.upper()
    await _leave(socket)
    asked = front.kubelet.asked[-1]
    assert (asked.method, asked.path, asked.headers["upgrade"]) == ("POST", "/portForward/default/p", "SPDY/3.1")
    assert asked.headers["x-stream-protocol-version"] == "portforward.k8s.io"


@pytest.mark.parametrize(
    ("protocols", "told"),
    [
        pytest.param([], [b"", b"hello\n"], id="none"),
        pytest.param(["binary.k8s.io"], [b"", b"hello\n"], id="binary"),
        pytest.param(["x", "base64.binary.k8s.io"], ["", "aGVsbG8K"], id="base64"),
    ],
)
async def test_logs_come_in_messages(front: Running, admin: Pair, protocols: list[str], told: list[Any]) -> None:
    await front.running_pod("p", "a")
    socket = await _socket(front, admin, f"{PODS}/p/log", *protocols)
    assert [await asyncio.to_thread(socket.recv) for _ in told] == told
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        while await asyncio.to_thread(socket.recv) == "":
            pass
    await _leave(socket)


async def test_a_follower_that_has_gone_is_not_waited_for(front: Running, admin: Pair) -> None:
    """The log goes on and says nothing more; the kubelet hears that nobody listens."""
    left = asyncio.Event()

    async def silent(sink: Sink) -> None:
        sink.on_close(left.set)
        sink.write(b"one\n")
        await left.wait()

    await front.running_pod("p", "a")
    front.kubelet.answer = Streaming(silent)
    socket = await _socket(front, admin, f"{PODS}/p/log?follow=true")
    assert [await asyncio.to_thread(socket.recv) for _ in range(2)] == [b"", b"one\n"]
    await _leave(socket)
    await asyncio.wait_for(left.wait(), 10)


@pytest.mark.parametrize("protocols", [[], ["base64.binary.k8s.io"]], ids=["plain", "as a dashboard asks"])
async def test_a_watch_in_messages(front: Running, admin: Pair, protocols: list[str]) -> None:
    await front.running_pod("p", "a")
    socket = await _socket(front, admin, f"{PODS}?watch=1", *protocols)
    assert socket.subprotocol == (protocols[0] if protocols else None)
    labels = {"metadata": {"labels": {"text": "b"}, "annotations": {"lines": "one\ntwo"}}}
    await front.send("PATCH", f"{PODS}/p", labels)
    events = [json.loads(await asyncio.to_thread(socket.recv)) for _ in range(2)]
    assert [(e["type"], e["object"]["metadata"].get("annotations")) for e in events] == [
        ("ADDED", None),
        ("MODIFIED", {"lines": "one\ntwo"}),
    ]
    await _leave(socket)


async def test_a_watch_in_messages_ends_at_its_time(front: Running, admin: Pair) -> None:
    socket = await _socket(front, admin, f"{PODS}?watch=1&timeoutSeconds=1")
    assert await asyncio.to_thread(socket.recv) == ""
    await _leave(socket)


@pytest.mark.parametrize("subresource", ["exec", "attach", "portforward"])
async def test_a_socket_asks_for_what_posting_asks(front: Running, subresource: str) -> None:
    """It comes by GET: who may only read does not therefore run things."""
    await front.running_pod("p", "a")
    await role(front, "reader", f"read: pods pods/{subresource} in core")
    await bind(front, "ClusterRole", "reader", "User:reader")
    transport = front.transport(front.authority.issue("reader"))
    response, duplex = await transport.upgrade(Request("GET", f"{PODS}/p/{subresource}", "command=sh", SOCKET))
    await transport.close()
    assert (duplex, response.status) == (None, 403)
    assert json.loads(response.body)["message"] == (
        f'pods "p" is forbidden: User "reader" cannot create resource "pods/{subresource}" in API group ""'
        ' in the namespace "default"'
    )
    assert not front.kubelet.asked


async def test_proxies_pass_sockets_on(front: Running, admin: Pair) -> None:
    async def backend(request: Request, peer: Peer) -> Answer:
        assert request.path == "/chat"
        return Upgrade(_shout, {"upgrade": "websocket", "sec-websocket-accept": "x"})

    web, address = Server(backend), own_address()
    port = await web.listen(address)
    await front.running_pod("p", "a")
    status = {"podIP": address, "podIPs": [{"ip": address}]}
    await front.send("PATCH", f"{PODS}/p/status", {"status": status})
    transport = front.transport(admin)
    response, duplex = await transport.upgrade(Request("GET", f"{PODS}/p:{port}/proxy/chat", "", SOCKET))
    assert duplex is not None
    assert response.headers["sec-websocket-accept"] == "x"
    await duplex.write(b"hello")
    assert await duplex.read() == b"HELLO"
    await duplex.close()
    await transport.close()
    await web.close(grace=0)
