from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from knarr.kubelet.cri.runtime import ExecResult, Runtime, RuntimeFailure
from knarr.kubelet.interfaces import Addresses
from knarr.kubelet.probes.prober import Prober
from knarr.kubelet.probes.tally import Tally
from knarr.machinery.clock import VirtualClock
from knarr.runtime.events import EventRecorder
from tests.unit.kubelet.fakes import FakeRuntime, Recorded
from tests.unit.kubelet.pods import container, pod

GOOD, BAD = ExecResult(0, b"", b""), ExecResult(1, b"out ", b"err")
PROBE = {"exec": {"command": ["ok"]}}


class Bench:
    """A prober over a scripted runtime, on virtual time."""

    def __init__(self) -> None:
        self.runtime, self.clock, self.recorded = FakeRuntime(exec_results=[GOOD]), VirtualClock(), Recorded()
        self.changes: list[str] = []
        events = cast(EventRecorder, self.recorded)
        self.prober = Prober(cast(Runtime, self.runtime), self.clock, events, self.changes.append)

    async def start(self, status: dict[str, Any] | None = None, **fields: Any) -> None:
        made = container(**fields)
        spec = {"containers": [{"name": "app", **fields}]}
        self.prober.start(pod(spec, status), made, "c1", Addresses(("127.0.0.1",)))
        await self.clock.advance(0)

    @property
    def answers(self) -> tuple[bool, bool, str]:
        return self.prober.started("c1"), self.prober.ready("c1"), self.prober.failure("c1")

    @property
    def asked(self) -> int:
        return len(self.runtime.executed)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.prober.close()


async def test_without_probes_a_container_is_ready_at_once(bench: Bench) -> None:
    await bench.start()
    assert bench.answers == (True, True, "")
    bench.prober.stop("c1")
    assert bench.answers == (False, False, "")


async def test_the_first_question_is_asked_at_once(bench: Bench) -> None:
    await bench.start(readinessProbe=PROBE)
    assert bench.answers == (True, True, "")
    assert bench.changes == ["u1"]


async def test_readiness_waits_for_its_delay_and_thresholds(bench: Bench) -> None:
    await bench.start(readinessProbe={**PROBE, "initialDelaySeconds": 5, "periodSeconds": 2, "successThreshold": 2})
    assert (bench.asked, bench.answers) == (0, (True, False, ""))
    await bench.clock.advance(5)
    assert (bench.asked, bench.answers) == (1, (True, False, ""))
    await bench.clock.advance(2)
    assert (bench.asked, bench.answers) == (2, (True, True, ""))
    bench.runtime.exec_results = [BAD]
    await bench.clock.advance(4)
    assert bench.answers == (True, True, "")
    await bench.clock.advance(2)
    assert bench.answers == (True, False, "")
    assert (
        bench.recorded.events
        == [("Warning", "Unhealthy", "Readiness probe failed: out err", "spec.containers{app}")] * 3
    )
    assert bench.changes == ["u1", "u1"]


async def test_liveness_condemns_after_its_threshold_and_then_asks_no_more(bench: Bench) -> None:
    bench.runtime.exec_results = [BAD]
    await bench.start(livenessProbe={**PROBE, "periodSeconds": 1, "failureThreshold": 3})
    await bench.clock.advance(1)
    assert bench.answers == (True, True, "")
    await bench.clock.advance(1)
    assert bench.answers == (True, False, "liveness")
    await bench.clock.advance(10)
    assert bench.asked == 3


async def test_startup_gates_the_others(bench: Bench) -> None:
    bench.runtime.exec_results = [BAD]
    startup = {"exec": {"command": ["startup"]}, "periodSeconds": 1, "failureThreshold": 10}
    await bench.start(startupProbe=startup, readinessProbe=PROBE, livenessProbe={"exec": {"command": ["live"]}})
    await bench.clock.advance(2)
    assert {command for _, command in bench.runtime.executed} == {("startup",)}
    assert bench.answers == (False, False, "")
    bench.runtime.exec_results = [GOOD]
    await bench.clock.advance(1)
    assert bench.answers == (True, True, "")
    assert {command for _, command in bench.runtime.executed} == {("startup",), ("ok",), ("live",)}


async def test_a_startup_probe_that_never_succeeds_condemns(bench: Bench) -> None:
    bench.runtime.exec_results = [BAD]
    await bench.start(startupProbe={**PROBE, "periodSeconds": 1, "failureThreshold": 2})
    await bench.clock.advance(1)
    assert bench.answers == (False, False, "startup")


async def test_an_error_decides_nothing(bench: Bench) -> None:
    bench.runtime.exec_results = [RuntimeFailure("Unavailable", "gone")]
    await bench.start(livenessProbe={**PROBE, "periodSeconds": 1, "failureThreshold": 1})
    assert bench.answers == (True, True, "")
    assert bench.recorded.events == [
        (
            "Warning",
            "Unhealthy",
            "Liveness probe errored and resulted in unknown state: rpc error: code = Unavailable desc = gone",
            "spec.containers{app}",
        )
    ]


async def test_a_command_that_takes_too_long_has_failed(bench: Bench) -> None:
    bench.runtime.exec_results = [RuntimeFailure("DeadlineExceeded", "too long")]
    await bench.start(livenessProbe={"exec": {"command": ["sleep", "9"]}, "failureThreshold": 1})
    assert bench.answers == (True, False, "liveness")
    assert bench.recorded.events[0][2] == 'Liveness probe failed: command timed out: "sleep 9" timed out after 1s'


async def test_after_a_restart_the_published_status_is_believed(bench: Bench) -> None:
    bench.runtime.exec_results = [BAD]
    known = {"name": "app", "containerID": "containerd://c1", "started": True, "ready": True}
    running = {"running": {"startedAt": "2025-12-31T23:59:58Z"}}
    probe = {**PROBE, "initialDelaySeconds": 5}
    await bench.start({"containerStatuses": [{**known, "state": running}]}, startupProbe=PROBE, readinessProbe=probe)
    assert (bench.asked, bench.answers) == (0, (True, True, ""))
    await bench.clock.advance(3)
    assert bench.asked == 1


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [("-+-", [None, None, None]), ("++", [None, True]), ("---", [None, None, False]), ("--+--", [None] * 5)],
)
def test_tally(answers: str, verdicts: list[bool | None]) -> None:
    tally = Tally(success_threshold=2, failure_threshold=3)
    assert [tally.add(answer == "+") for answer in answers] == verdicts


Reply = Callable[[str], bytes]


@pytest.fixture
async def web() -> AsyncIterator[tuple[int, list[str], list[Reply]]]:
    """A real HTTP server: its port, the heads it was sent, and what it replies."""
    heads: list[str] = []
    replies: list[Reply] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(replies[0](heads[-1].split()[1]))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], heads, replies
    server.close()
    await server.wait_closed()


def reply(status: str, *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body]).encode()


async def settled(bench: Bench) -> None:
    """Wait until the one probe has been answered and sleeps."""
    async with asyncio.timeout(5):
        while bench.clock.next_wake is None and not bench.prober.failure("c1"):
            await asyncio.sleep(0.001)


def redirecting(path: str) -> bytes:
    return reply("302 Found", "Location: /healthy") if path == "/old" else reply("200 OK")


@pytest.mark.parametrize(
    ("answer", "path", "events"),
    [
        pytest.param(lambda _: reply("200 OK"), "/", [], id="200"),
        pytest.param(lambda _: reply("399 Odd"), "/", [], id="399"),
        pytest.param(
            lambda _: reply("500 Oops"),
            "/",
            ["Liveness probe failed: HTTP probe failed with statuscode: 500"],
            id="500",
        ),
        pytest.param(redirecting, "/old", [], id="redirect"),
        pytest.param(
            lambda _: reply("301 Moved", "Location: http://elsewhere.test/", body="gone"),
            "/",
            ["Liveness probe warning: Probe terminated redirects, Response body: gone"],
            id="redirect to another host",
        ),
        pytest.param(lambda _: b"", "/", ['Liveness probe failed: Get "URL/": EOF'], id="no answer"),
        pytest.param(
            lambda _: reply("302 Found", "Location: /"),
            "/",
            ['Liveness probe failed: Get "URL/": stopped after 10 redirects'],
            id="redirects without end",
        ),
    ],
)
async def test_http_get(
    bench: Bench, web: tuple[int, list[str], list[Reply]], answer: Reply, path: str, events: list[str]
) -> None:
    port, _, replies = web
    replies.append(answer)
    ports = [{"containerPort": port, "name": "web"}]
    await bench.start(livenessProbe={"httpGet": {"path": path, "port": "web"}, "failureThreshold": 1}, ports=ports)
    await settled(bench)
    assert [event[2].replace(f"http://127.0.0.1:{port}", "URL") for event in bench.recorded.events] == events


async def test_http_get_sends_the_headers_it_is_given(bench: Bench, web: tuple[int, list[str], list[Reply]]) -> None:
    port, heads, replies = web
    replies.append(lambda _: reply("200 OK"))
    headers = [
        {"name": "Host", "value": "shop.test"},
        {"name": "X-Probe", "value": "1"},
        {"name": "Accept", "value": ""},
    ]
    await bench.start(livenessProbe={"httpGet": {"path": "/a?b=c", "port": port, "httpHeaders": headers}})
    await settled(bench)
    assert heads == [
        "GET /a?b=c HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: kube-probe/1.36\r\n"
        "X-Probe: 1\r\nConnection: close\r\n\r\n"
    ]


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_port_that_nobody_listens_on(bench: Bench) -> None:
    port = unused_port()
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    await bench.start(livenessProbe={"tcpSocket": {"port": port}, "failureThreshold": 1})
    await settled(bench)
    bench.prober.stop("c1")
    await bench.start(livenessProbe={"httpGet": {"port": port}, "failureThreshold": 1})
    await settled(bench)
    assert [event[2] for event in bench.recorded.events] == [
        f"Liveness probe failed: {refused}",
        f'Liveness probe failed: Get "http://127.0.0.1:{port}/": {refused}',
    ]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        pytest.param({"tcpSocket": {"port": "web"}}, "invalid port number: web", id="unknown port name"),
        pytest.param({"tcpSocket": {"port": 80, "host": "a..b"}}, "label empty or too long", id="no host name"),
    ],
)
async def test_what_cannot_be_asked_decides_nothing(bench: Bench, action: dict[str, Any], message: str) -> None:
    await bench.start(livenessProbe={**action, "failureThreshold": 1})
    await settled(bench)
    assert (bench.answers, len(bench.recorded.events)) == ((True, True, ""), 1)
    assert message in bench.recorded.events[0][2]


async def test_a_header_that_would_end_early_fails(bench: Bench) -> None:
    headers = [{"name": "X", "value": "a\r\nb"}]
    await bench.start(livenessProbe={"httpGet": {"port": 80, "httpHeaders": headers}, "failureThreshold": 1})
    await settled(bench)
    told = 'Liveness probe failed: Get "http://127.0.0.1:80/": net/http: invalid header field value for "X"'
    assert bench.recorded.events[0][2] == told


async def test_a_host_without_an_address(bench: Bench) -> None:
    await bench.start(livenessProbe={"tcpSocket": {"port": 80, "host": "none.invalid"}, "failureThreshold": 1})
    await settled(bench)
    assert bench.recorded.events[0][2] == "Liveness probe failed: dial tcp: lookup none.invalid: no such host"


async def test_tcp_socket(bench: Bench, web: tuple[int, list[str], list[Reply]]) -> None:
    await bench.start(livenessProbe={"tcpSocket": {"port": web[0]}, "failureThreshold": 1})
    await settled(bench)
    assert bench.recorded.events == []
