"""The API over TLS with keep-alive: rate, latency, and the server's processor time per operation.

python -m benchmarks.api [--store sqlite|etcd] [--seconds 2] [--profile OPERATION]

The server is a process of its own, with nothing beside it but etcd, whose processor time counts as the server's; the
load comes from this process over 16 connections. Goals and upstream's figures are in docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import orjson

from benchmarks.clusters import Server, api_server
from benchmarks.measuring import memory, p50_p99, say
from benchmarks.objects import config_map, deployment, pod
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request, Response

CONNECTIONS = 16
PODS, MAPS = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/configmaps"
APPS = "/apis/apps/v1/namespaces/default/deployments"
STORED_PODS = 1000
APPLY = "application/apply-patch+yaml"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
WATCHERS, UPDATES, RATE = 500, 300, 100  # watchers; changes in all; changes per second


@dataclass(frozen=True)
class API:
    """Requests to the server, over as many connections as there are requests under way."""

    transport: HTTPTransport

    async def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Response:
        headers = {"accept": "application/json", "user-agent": "bench"}
        if body is not None:
            headers["content-type"] = content_type
        target, _, query = path.partition("?")
        data = b"" if body is None else orjson.dumps(body)
        response = await self.transport.request(Request(method, target, query, headers, data))
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {response.body!r}")
        return response


Operation = Callable[[API, int], Awaitable[Any]]

OPERATIONS: dict[str, Operation] = {
    "GET one Pod": lambda api, n: api.send("GET", f"{PODS}/p{n % STORED_PODS:04}"),
    "LIST 1000 Pods": lambda api, n: api.send("GET", PODS),
    "LIST by label, 10 of 1000": lambda api, n: api.send("GET", f"{PODS}?labelSelector=group%3D{n % 100}"),
    "LIST limit=100": lambda api, n: api.send("GET", f"{PODS}?limit=100"),
    "create ConfigMap 1 KB": lambda api, n: api.send("POST", MAPS, config_map(f"c{n}")),
    "create Pod": lambda api, n: api.send("POST", PODS, pod(f"n{n}", group="new")),
    "patch Pod labels (strategic)": lambda api, n: api.send(
        "PATCH", f"{PODS}/p{n % STORED_PODS:04}", {"metadata": {"labels": {"x": str(n)}}}, STRATEGIC
    ),
    "patch Pod status (merge)": lambda api, n: api.send(
        "PATCH", f"{PODS}/p{n % STORED_PODS:04}/status", {"status": {"message": str(n)}}, MERGE
    ),
    "PUT ConfigMap": lambda api, n: api.send("PUT", f"{MAPS}/u{n % 200}", config_map(f"u{n % 200}", n)),
    "apply Deployment": lambda api, n: api.send(
        "PATCH", f"{APPS}/a{n % 100}?fieldManager=bench", deployment(f"a{n % 100}", f"image:{n}"), APPLY
    ),
    "delete ConfigMap": lambda api, n: api.send("DELETE", f"{MAPS}/d{n}"),
}
READS = ("GET", "LIST")  # operations that change nothing
DELETED = "delete ConfigMap"


async def prepare(api: API) -> None:
    """What the operations work on."""
    await api.send("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    for first in range(0, STORED_PODS, CONNECTIONS):
        names = range(first, min(first + CONNECTIONS, STORED_PODS))
        await asyncio.gather(*(api.send("POST", PODS, pod(f"p{n:04}", group=str(n // 10))) for n in names))
    await asyncio.gather(*(api.send("POST", MAPS, config_map(f"u{n}")) for n in range(200)))


@dataclass
class Load:
    """An operation, sent over and over by as many clients as there are connections."""

    api: API
    operation: Operation
    count: int = 0
    latencies: list[float] = field(default_factory=list)

    async def run(self, seconds: float, at_most: int) -> float:
        """Send for a while; returns how long it took in the end."""
        started = time.perf_counter()
        numbers = iter(range(self.count, at_most))
        await asyncio.gather(*(self._client(numbers, started + seconds) for _ in range(CONNECTIONS)))
        return time.perf_counter() - started

    async def _client(self, numbers: Any, until: float) -> None:
        for n in numbers:
            began = time.perf_counter()
            await self.operation(self.api, n)
            now = time.perf_counter()
            self.latencies.append(now - began)
            self.count += 1
            if now > until:
                return


async def measure(server: Server, api: API, name: str, seconds: float) -> None:
    """Print an operation's rate, latency and cost."""
    at_most = sys.maxsize
    if name == DELETED:
        at_most = int(2000 * seconds)
        for first in range(0, at_most, 100):
            await asyncio.gather(*(api.send("POST", MAPS, config_map(f"d{n}")) for n in range(first, first + 100)))
    load = Load(api, OPERATIONS[name])
    if name.startswith(READS):
        await load.operation(api, 0)  # makes what is made at first use
    before = server.cpu()
    taken = await load.run(seconds, at_most)
    cpu = (server.cpu() - before) / load.count
    median, worst = p50_p99(load.latencies)
    say(name, f"{load.count / taken:.0f}/s", f"{median * 1000:.1f} / {worst * 1000:.1f} ms", f"{cpu * 1000:.3f} ms")


async def fan_out(server: Server, api: API) -> None:
    """Many watchers of one collection: what an event costs for each, and how late it comes."""
    lags: list[float] = []
    version = orjson.loads((await api.send("GET", f"{MAPS}?limit=1")).body)["metadata"]["resourceVersion"]
    query = f"watch=1&resourceVersion={version}"
    streams = [await api.transport.stream(Request("GET", MAPS, query)) for _ in range(WATCHERS)]

    async def watch(stream: Any) -> None:
        seen = 0
        async for data in stream:
            now = time.perf_counter()
            for line in data.splitlines():
                sent = float(orjson.loads(line)["object"]["data"]["n"])
                lags.append(now - sent)
                seen += 1
            if seen >= UPDATES:
                break
        await stream.close()

    watchers = asyncio.gather(*(watch(stream) for stream in streams))
    before, started = server.cpu(), time.perf_counter()
    for n in range(UPDATES):
        await asyncio.sleep(max(0.0, started + n / RATE - time.perf_counter()))
        now = time.perf_counter()
        await api.send("PUT", f"{MAPS}/u0", config_map("u0", now))
    await watchers
    taken = time.perf_counter() - started
    cpu = (server.cpu() - before) / len(lags)
    median, worst = p50_p99(lags)
    name = f"watch, {WATCHERS} watchers, {RATE}/s"
    lag = f"{median * 1000:.1f} / {worst * 1000:.1f} ms"
    say(name, f"{len(lags) / taken:.0f} events/s", lag, f"{cpu * 1e6:.1f} us/event")


async def run(seconds: float, only: str, store: str) -> None:
    async with api_server(store) as server:
        api = API(server.transport())
        empty = memory(server.process.pid)["Pss"]
        await prepare(api)
        size = len((await api.send("GET", f"{PODS}/p0000")).body)
        grown = memory(server.process.pid)["Pss"] - empty
        say(f"API over {store}, Pods of {size / 1000:.1f} KB", "rate", "p50 / p99", "server CPU")
        with Profile(server.process.pid, only):
            for name in OPERATIONS:
                if only in name:
                    await measure(server, api, name, seconds)
            if only in "watch":
                await fan_out(server, api)
        say("memory of 1000 Pods", f"{grown / (1 << 20):.1f} MiB")
        await api.transport.close()


class Profile:
    """py-spy (from PyPI) on the server, where one operation is asked for."""

    def __init__(self, pid: int, only: str) -> None:
        spy, picture = Path(sys.executable).with_name("py-spy"), Path(gettempdir(), "knarr-profile.svg")
        self._command = [str(spy), "record", "--rate", "500", "--output", str(picture), "--pid", str(pid)]
        self._wanted = bool(only)

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command) if self._wanted else None

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.send_signal(2)
            self._process.wait()


def main(seconds: float = 2, profile: str = "", stores: Sequence[str] = ("sqlite", "etcd")) -> None:
    for store in stores:
        asyncio.run(run(seconds, profile, store))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="for each operation")
    parser.add_argument("--profile", default="", help="only the operations whose names contain this, under py-spy")
    parser.add_argument("--store", choices=("sqlite", "etcd"), help="only over this one")
    options = parser.parse_args()
    main(options.seconds, options.profile, [options.store] if options.store else ("sqlite", "etcd"))
