"""Clusters to measure: a whole one brought up as a user does it, or an API server alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import msgspec

from benchmarks.measuring import cpu_seconds
from knarr.client.client import Client
from knarr.client.objects import View
from knarr.client.resources import PODS
from knarr.cluster import launch, processes
from knarr.cluster.completing import complete
from knarr.cluster.config import Config, load
from knarr.cluster.identities import client
from knarr.machinery.errors import APIError
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Request
from knarr.wire.tls import client_context
from tests.storage.etcds import etcd, on_etcd

NAME = "bench"
# What Python compiles is kept for the next start, as it is on a user's machine, whatever this one's settings are.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(gettempdir()) / "knarr-bench-bytecode"))

FLAGS = {
    "name": NAME,
    "api-port": "18443",
    "kubelet-port": "18250",
    "dns-port": "18053",
    "registry-port": "18500",
    "pod-cidr": "10.180.0.0/24",
    "service-cidr": "10.181.0.0/16",
}


@dataclass(frozen=True)
class Cluster:
    """A cluster of one node in a folder of its own."""

    data: Path

    @property
    def config(self) -> Config:
        config = load(self.data)
        assert config, "the cluster has not been started"
        return config

    def up(self) -> Iterator[tuple[str, float]]:
        """Run `knarr up`, and tell each of its lines as it comes, with the seconds since the start."""
        given = {**FLAGS, "data-dir": str(self.data), "kubeconfig": str(self.data.parent / "kubeconfig")}
        flags = [word for flag, value in given.items() for word in (f"--{flag}", value)]
        started = time.perf_counter()
        command = [sys.executable, "-u", "-m", "knarr", "up", *flags]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                yield line.strip(), time.perf_counter() - started
        if process.returncode:
            raise SystemExit("the cluster did not come up")

    def run(self, command: str) -> None:
        arguments = [sys.executable, "-m", "knarr", command, "--data-dir", str(self.data)]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, timeout=120)

    def pids(self) -> dict[str, int]:
        """The processes that `knarr up` started, by the names of their parts."""
        return {file.stem: int(file.read_text().split()[0]) for file in sorted(self.config.run.glob("*.pid"))}

    def client(self) -> Client:
        return client(self.config, "admin")


@contextmanager
def new_cluster() -> Iterator[Cluster]:
    """A cluster that has not been started yet; in the end nothing of it is left."""
    with TemporaryDirectory(prefix="knarr-bench-") as folder:
        cluster = Cluster(Path(folder) / "data")
        try:
            yield cluster
        finally:
            if load(cluster.data):
                cluster.run("reset")


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster whose node is Ready."""
    with new_cluster() as cluster:
        for _ in cluster.up():
            pass
        yield cluster


@dataclass(frozen=True)
class Server:
    """An API server in a process of its own, and the way to it; `etcd` is the process of its store, if it is that."""

    config: Config
    process: processes.Process
    etcd: int = 0

    def cpu(self) -> float:
        """Seconds of processor time of the server and its store."""
        return cpu_seconds(self.process.pid) + (cpu_seconds(self.etcd) if self.etcd else 0)

    def transport(self) -> HTTPTransport:
        pki = self.config.pki
        tls = client_context(pki / "ca.crt", pki / "admin.crt", pki / "admin.key")
        return HTTPTransport(self.config.api_url, tls=tls)


@asynccontextmanager
async def api_server(store: str = "sqlite") -> AsyncIterator[Server]:
    """`knarr apiserver` alone: no controllers that answer what a benchmark does with work of their own.

    `store` sqlite, or etcd: one member with TLS, its journal synced, beside it.
    """
    with TemporaryDirectory(prefix="knarr-bench-") as folder, ExitStack() as stack:
        wanted = Config(name=NAME, data=f"{folder}/data", api_port=int(FLAGS["api-port"]))
        member = 0
        if store == "etcd":
            running = stack.enter_context(etcd(Path(folder)))
            member = running.pids()[0]
            wanted = msgspec.structs.replace(wanted, **on_etcd(running))
        config = complete(wanted)
        launch.prepare(config)
        argv = (sys.executable, "-m", "knarr", "apiserver", "--data-dir", config.data)
        process = processes.launch(argv, config.logs / "apiserver.log", {})
        server = Server(config, process, member)
        try:
            await _until_ready(server)
            yield server
        finally:
            process.stop(10)
            process.release()


async def _until_ready(server: Server) -> None:
    transport = server.transport()
    async with asyncio.timeout(30):
        while True:
            try:
                if (await transport.request(Request("GET", "/readyz"))).status == 200:
                    break
            except ConnectionError:
                pass
            await asyncio.sleep(0.02)
    await transport.close()


class Condition(View, frozen=True):
    type: str = ""
    status: str = ""


class PodStatus(View, frozen=True):
    conditions: tuple[Condition, ...] = ()


class Metadata(View, frozen=True):
    name: str = ""


class Pod(View, frozen=True):
    """A Pod, as far as its readiness goes."""

    metadata: Metadata = Metadata()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        return any(condition.type == "Ready" and condition.status == "True" for condition in self.status.conditions)


async def run_pods(api: Client, image: str, names: list[str]) -> float:
    """Create Pods at once; seconds until the last one is seen Ready. They stay."""
    known = await asyncio.gather(*(api.list(PODS, "default", view=Pod) for _ in range(2)))  # two connections, open now
    waiting = set(names)
    started = time.perf_counter()
    async with asyncio.timeout(120), asyncio.TaskGroup() as creations:
        for name in names:
            creations.create_task(_create(api, image, name))
        watch = api.watch(PODS, "default", view=Pod, resource_version=known[0].resource_version)
        async with aclosing(watch) as events:
            async for event in events:
                if event.object.ready:
                    waiting.discard(event.object.metadata.name)
                if not waiting:
                    return time.perf_counter() - started
    raise SystemExit("the watch of the Pods ended early")


async def _create(api: Client, image: str, name: str) -> None:
    """A Pod of one container whose image is on the node."""
    container = {"name": "main", "image": image, "imagePullPolicy": "Never"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    body = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec}
    while True:
        try:
            await api.create(PODS, body, "default", view=Pod)
        except APIError as error:
            if "service account" not in str(error) and "serviceaccount" not in str(error):
                raise
            await asyncio.sleep(0.005)  # a controller makes it, and is about to
        else:
            return


async def remove_pods(api: Client, names: list[str]) -> None:
    """Delete Pods, and wait until they are gone."""
    for name in names:
        await api.delete(PODS, name, "default", grace=0)
    async with asyncio.timeout(120):
        while (await api.list(PODS, "default", view=Pod)).items:
            await asyncio.sleep(0.05)
