from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from knarr.client.client import Client
from knarr.client.figures import RequestFigures
from knarr.kubelet.cri.runtime import ExecResult, Runtime
from knarr.kubelet.interfaces import Instance
from knarr.kubelet.objects import Pod
from knarr.kubelet.server import KubeletServer, Node
from knarr.machinery.clock import VirtualClock
from knarr.machinery.figures import Figures
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Answer, Peer, Request, Response, Streaming
from knarr.wire.server import Server
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.fakes import FakeRuntime
from tests.unit.kubelet.judging import API_SERVER, Judging
from tests.unit.kubelet.pods import pod
from tests.unit.kubelet.test_logtext import Collected


@cache
def certificate(name: str, group: str = "") -> bytes:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if group:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    key, subject, now = ec.generate_private_key(ec.SECP256R1()), x509.Name(parts), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def api_server() -> Peer:
    return Peer(certificate=certificate(API_SERVER))


@dataclass
class FakePods:
    """One pod, `web` in `shop`, with what a test says of its container."""

    pod: Pod
    instances: dict[tuple[str, bool], Instance] = field(default_factory=dict)

    def get(self, namespace: str, name: str, uid: str = "") -> Pod | None:
        return self.pod if (namespace, name) == ("shop", "web") and uid in ("", "u1") else None

    def all(self) -> list[Pod]:
        return [self.pod]

    def instance(self, uid: str, container: str, previous: bool = False) -> Instance | None:
        return self.instances.get((container, previous))

    def sandbox(self, uid: str) -> str:
        return "s1"


@dataclass
class Bench:
    server: KubeletServer
    runtime: FakeRuntime
    pods: FakePods
    api: FakeAPI

    async def ask(self, path: str, query: str = "", method: str = "GET", peer: Peer | None = None) -> Answer:
        return await self.server(Request(method, path, query), peer or api_server())

    async def text(self, path: str, query: str = "", method: str = "GET") -> tuple[int, str]:
        answer = await self.ask(path, query, method)
        if isinstance(answer, Streaming):
            sink = Collected()
            await cast(Any, answer.start(sink))
            return answer.status, sink.text.decode()
        assert isinstance(answer, Response)
        return answer.status, answer.body.decode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "1.log").write_text("2026-01-01T10:00:00Z stdout F hello\n")
    (tmp_path / "0.log").write_text("2026-01-01T09:00:00Z stdout F earlier\n")
    runtime, api = FakeRuntime(), FakeAPI()
    pods = FakePods(pod({"containers": [{"name": "app"}, {"name": "slow"}]}))
    pods.instances = {
        ("app", False): Instance("c1", "app", running=True, log_path=str(tmp_path / "1.log"), attempt=1),
        ("app", True): Instance("c0", "app", running=False, log_path=str(tmp_path / "0.log")),
    }
    figures = Figures()
    client = Client(Judging(api), figures=RequestFigures(figures, "api:6443"))
    node = Node("node-1", pods, cast(Runtime, runtime), client, VirtualClock(), figures)
    return Bench(KubeletServer(node), runtime, pods, api)


@pytest.mark.parametrize(
    ("peer", "status", "body"),
    [
        pytest.param(Peer(), 401, "Unauthorized\n", id="nobody"),
        pytest.param(
            Peer(certificate=certificate("system:node:other", "system:nodes")),
            403,
            "Forbidden (user=system:node:other, verb=get, resource=nodes, subresource(s)=[healthz proxy])\n",
            id="another node",
        ),
        pytest.param(Peer(certificate=certificate(API_SERVER)), 200, "ok", id="API server"),
    ],
)
async def test_who_is_let_in(bench: Bench, peer: Peer, status: int, body: str) -> None:
    answer = await bench.ask("/healthz", peer=peer)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body.decode()) == (status, body)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        pytest.param("shop/web/app", "", (200, "hello\n"), id="newest"),
        pytest.param("shop/web/app", "previous=true", (200, "earlier\n"), id="previous"),
        pytest.param("shop/web/app", "timestamps=true", (200, "2026-01-01T10:00:00.000000000Z hello\n"), id="times"),
        pytest.param("shop/none/app", "", (404, 'pod "none" not found\n'), id="no pod"),
        pytest.param("shop/web/none", "", (404, 'container "none" not found in pod "web"\n'), id="no container"),
        pytest.param(
            "shop/web/slow",
            "",
            (400, 'container "slow" in pod "web" is waiting to start: ContainerCreating\n'),
            id="waiting",
        ),
        pytest.param(
            "shop/web/slow",
            "previous=true",
            (400, 'previous terminated container "slow" in pod "web" not found\n'),
            id="no previous",
        ),
    ],
)
async def test_logs(bench: Bench, path: str, query: str, expected: tuple[int, str]) -> None:
    assert await bench.text(f"/containerLogs/{path}", query) == expected


async def test_run(bench: Bench) -> None:
    bench.runtime.exec_results = [ExecResult(0, b"out\n", b"err\n")]
    assert await bench.text("/run/shop/web/app", "cmd=ls+-l", "POST") == (200, "out\nerr\n")
    assert bench.runtime.executed == [("c1", ("ls", "-l"))]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/exec/shop/web/app", "output=1", (400, "you must specify at least 1 command to execute\n")),
        ("/exec/shop/web/app", "command=ls", (400, "you must specify at least 1 of stdin, stdout, stderr\n")),
        ("/exec/shop/web/app", "command=ls&output=1", (400, "you must request an upgrade: SPDY/3.1 or a WebSocket\n")),
        ("/exec/shop/web/slow", "command=ls&output=1", (404, 'container not found ("slow")\n')),
        ("/nothing", "", (404, "404: Page Not Found\n")),
    ],
)
async def test_what_cannot_be_asked(bench: Bench, path: str, query: str, expected: tuple[int, str]) -> None:
    assert await bench.text(path, query) == expected


async def test_pods_are_those_of_the_api(bench: Bench) -> None:
    bench.api.put("/api/v1/namespaces/shop/pods/web", {"spec": {"anything": 1}})
    status, body = await bench.text("/pods")
    assert (status, [item["spec"] for item in orjson.loads(body)["items"]]) == (200, [{"anything": 1}])
    assert "fieldSelector=spec.nodeName%3Dnode-1" in bench.api.reads[-1]


async def test_metrics_and_summary(bench: Bench) -> None:
    await bench.text("/pods")
    _, metrics = await bench.text("/metrics")
    assert 'kubelet_node_name{node="node-1"} 1' in metrics
    assert "kubelet_running_pods 1" in metrics
    assert "# TYPE kubelet_running_containers gauge" in metrics
    assert 'rest_client_requests_total{code="200",host="api:6443",method="GET"} 1' in metrics
    _, summary = await bench.text("/stats/summary")
    (of_pod,) = orjson.loads(summary)["pods"]
    assert of_pod["podRef"] == {"name": "web", "namespace": "shop", "uid": "u1"}
    assert of_pod["cpu"] == {"time": "2026-01-01T00:00:00Z", "usageCoreNanoSeconds": 5000}


@pytest.fixture
async def streaming() -> AsyncIterator[str]:
    """A runtime's streaming server: switches protocols, then echoes in capitals until the peer says "end"."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n")
        writer.write(b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n")
        while (data := await reader.read(100)) and data != b"end":
            writer.write(data.upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/exec/token"
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("path", "query", "asked"),
    [
        pytest.param(
            "/exec/shop/web/app",
            "command=sh&command=-c&input=1&output=1&error=1&tty=1",
            ("c1", ("sh", "-c"), {"stdin": True, "stdout": True, "stderr": False, "tty": True}),
            id="exec",
        ),
        pytest.param(
            "/attach/shop/web/u1/app",
            "output=1&error=1",
            ("c1", {"stdin": False, "stdout": True, "stderr": True, "tty": False}),
            id="attach",
        ),
        pytest.param("/portForward/shop/web", "", ("s1", ()), id="port-forward"),
    ],
)
async def test_bytes_are_tunnelled_to_the_runtime(
    bench: Bench, streaming: str, path: str, query: str, asked: object
) -> None:
    bench.runtime.stream_url = streaming
    server = Server(lambda request, _: bench.server(request, api_server()))
    transport = HTTPTransport(f"http://127.0.0.1:{await server.listen()}")
    headers = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}
    async with asyncio.timeout(10):
        response, duplex = await transport.upgrade(Request("POST", path, query, headers))
        assert (response.status, response.headers["x-stream-protocol-version"]) == (101, "v4.channel.k8s.io")
        assert duplex
        await duplex.write(b"hello")
        assert await duplex.read() == b"HELLO"
        await duplex.write(b"end")
        assert await duplex.read() == b""
    assert bench.runtime.streamed == [asked]
    await transport.close()
    await server.close(grace=1)
