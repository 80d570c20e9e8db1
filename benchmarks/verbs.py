"""What one request costs the API server, without HTTP: CPU time per operation of the verbs, in one process.

python -m benchmarks.verbs [--store memory|sqlite] [--encrypt aesgcm|aescbc|secretbox] [--profile OPERATION]

With --encrypt, ConfigMaps (not Pods) are encrypted at rest.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import cProfile
import os
import pstats
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import orjson

from benchmarks.objects import config_map, deployment, pod
from knarr.api.kinds.table import KINDS
from knarr.apiserver.api import API
from knarr.apiserver.authn.users import User
from knarr.apiserver.encryption.building import build
from knarr.apiserver.encryption.configuration import KMS, read
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import parse
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.request import APIRequest
from knarr.machinery.clock import RealClock
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.storage.sealing.providers import Provider
from knarr.storage.sealing.store import SealedStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Store
from knarr.wire.messages import Request, Response, Streaming

Operation = Callable[[int], Awaitable[Any]]
NAMESPACE = "/api/v1/namespaces/default"
PROTOBUF = "application/vnd.kubernetes.protobuf"
PARTIAL = f"{PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
WRITES_AT_ONCE = 16  # which a store may commit together
APPLY = "application/apply-patch+yaml"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


class Null:
    """A sink that counts."""

    def __init__(self) -> None:
        self.events = 0

    def write(self, data: bytes) -> None:
        self.events += 1

    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pending(self) -> int:
        return 0

    def on_close(self, callback: Callable[[], None]) -> None: ...
    async def drain(self) -> None: ...


class Bench:
    def __init__(self, store: Store) -> None:
        kinds = Kinds(KINDS)
        self.cache = WatchCache(store, index_of(kinds))
        self.api = API(kinds, store, self.cache, RealClock())

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "",
        query: str = "",
        accept: str = "application/json",
    ) -> Any:
        data = b"" if body is None else orjson.dumps(body)
        http = Request(method, path, query, {"content-type": content_type, "accept": accept}, data)
        return await self.api.handle(APIRequest(http, parse(method, path, query), User("admin"), http.parameters()))

    async def prepare(self) -> None:
        await self.cache.start()
        await self.send("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
        await self.send("POST", f"{NAMESPACE}/serviceaccounts", {"metadata": {"name": "default"}})
        for n in range(1000):
            await self.send("POST", f"{NAMESPACE}/pods", pod(f"p{n:04}", group=str(n // 10)))
        for n in range(200):
            await self.send("POST", f"{NAMESPACE}/configmaps", config_map(f"u{n}"))

    def operations(self) -> dict[str, Operation]:
        pods, maps = f"{NAMESPACE}/pods", f"{NAMESPACE}/configmaps"
        apps = "/apis/apps/v1/namespaces/default/deployments"
        send = self.send
        return {
            "GET Pod": lambda n: send("GET", f"{pods}/p{n % 1000:04}"),
            "LIST 1000 Pods": lambda n: send("GET", pods),
            "LIST by label, 10 of 1000": lambda n: send("GET", pods, query=f"labelSelector=group%3D{n % 100}"),
            "LIST limit=100": lambda n: send("GET", pods, query="limit=100"),
            "GET Pod, protobuf": lambda n: send("GET", f"{pods}/p{n % 1000:04}", accept=PROTOBUF),
            "LIST 1000 Pods, protobuf": lambda n: send("GET", pods, accept=PROTOBUF),
            "LIST 1000 Pods as metadata": lambda n: send("GET", pods, accept=PARTIAL),
            "LIST 1000 Pods as Table": lambda n: send("GET", pods, accept=TABLE),
            "create and delete ConfigMap": self._create_and_delete,
            "create ConfigMap": lambda n: send("POST", maps, config_map(f"c{n}")),
            "create Pod": lambda n: send("POST", pods, pod(f"n{n}", group="new")),
            "PUT ConfigMap": lambda n: send("PUT", f"{maps}/u{n % 200}", config_map(f"u{n % 200}", n)),
            "patch Pod labels (strategic)": lambda n: send(
                "PATCH", f"{pods}/p{n % 1000:04}", {"metadata": {"labels": {"x": str(n)}}}, STRATEGIC
            ),
            "patch Pod status (merge)": lambda n: send(
                "PATCH", f"{pods}/p{n % 1000:04}/status", {"status": {"message": str(n)}}, MERGE
            ),
            "apply Deployment": lambda n: send(
                "PATCH", f"{apps}/a{n % 100}", deployment(f"a{n % 100}", f"image:{n}"), APPLY, "fieldManager=bench"
            ),
        }

    async def _create_and_delete(self, n: int) -> None:
        await self.send("POST", f"{NAMESPACE}/configmaps", config_map(f"d{n}"))
        await self.send("DELETE", f"{NAMESPACE}/configmaps/d{n}")


async def measure(name: str, operation: Operation, seconds: float, profile: bool) -> None:
    """Run for a while, writes several at once; print CPU and wall time per operation."""
    await operation(0)
    profiler = cProfile.Profile() if profile else None
    if profiler:
        profiler.enable()
    cpu, wall, count = time.process_time(), time.perf_counter(), 0
    while time.perf_counter() - wall < seconds:
        at_once = 1 if name.startswith(("GET", "LIST")) else WRITES_AT_ONCE
        await asyncio.gather(*(operation(count + n) for n in range(1, at_once + 1)))
        count += at_once
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:32} {cpu / count * 1e3:9.3f} ms CPU {wall / count * 1e3:9.3f} ms wall {count:7} times", flush=True)
    if profiler:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


async def measure_fan_out(bench: Bench, watchers: int = 500, updates: int = 200) -> None:
    """What one event costs for one of many watchers."""
    sinks = [Null() for _ in range(watchers)]
    for sink in sinks:
        answer = await bench.send("GET", f"{NAMESPACE}/configmaps", query="watch=1&resourceVersion=0")
        assert isinstance(answer, Streaming)
        answer.start(sink)
    before, cpu = sum(sink.events for sink in sinks), time.process_time()
    for n in range(updates):
        await bench.send("PUT", f"{NAMESPACE}/configmaps/u0", config_map("u0", n + 1_000_000))
    events = sum(sink.events for sink in sinks) - before
    used = time.process_time() - cpu
    print(f"{'watch, 500 watchers':32} {used / events * 1e6:9.3f} us CPU per event, {events} events")


def encrypted(store: Store, provider: str) -> Store:
    keys = {provider: {"keys": [{"name": "k", "secret": base64.b64encode(os.urandom(32)).decode()}]}}
    rule = {"resources": ["configmaps"], "providers": [keys]}
    tree = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [rule]}
    rules = build(read(msgspec.json.encode(tree)), KINDS, _no_plugin)
    return SealedStore(store, rules, decode=lambda _, value: value)


def _no_plugin(kms: KMS) -> Provider:
    raise AssertionError("no KMS here")


async def run(options: argparse.Namespace) -> None:
    with TemporaryDirectory() as directory:
        store: Store = MemoryStore()
        if options.store == "sqlite":
            store = await SqliteStore.open(Path(directory) / "store.db", RealClock())
        if options.encrypt:
            store = encrypted(store, options.encrypt)
        bench = Bench(store)
        await bench.prepare()
        answer = await bench.send("GET", f"{NAMESPACE}/pods/p0000")
        assert isinstance(answer, Response)
        print(f"a Pod has {len(answer.body)} bytes")
        for name, operation in bench.operations().items():
            if not options.profile or options.profile in name:
                await measure(name, operation, options.seconds, bool(options.profile))
        if not options.profile:
            await measure_fan_out(bench)
        bench.api.close()
        await bench.cache.stop()
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--encrypt", choices=("aesgcm", "aescbc", "secretbox"))
    parser.add_argument("--profile", default="", help="profile the operations whose name contains this")
    parser.add_argument("--seconds", type=float, default=1.0)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
