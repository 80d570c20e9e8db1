"""A containerd for these tests alone, with a network of its own, and a kubelet over an API in memory."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from knarr.client.client import Client
from knarr.cluster.hostports import sweep_host_ports
from knarr.kubelet.cri.client import CRIRuntime
from knarr.kubelet.cri.containerd import ENVIRONMENT, ContainerdOptions, render
from knarr.machinery.clock import RealClock
from tests.e2e.cri.images import archive
from tests.e2e.cri.node import Node, memory_api


class Containerd:
    """A containerd process and where it lives."""

    def __init__(self, base: Path) -> None:
        name = base.name[-8:]
        self.options = ContainerdOptions(base / "root", base / "state", bridge=f"kt{name}", network=name)
        self.environment = {**os.environ, **ENVIRONMENT}
        for path, text in render(self.options, "10.151.0.0/24").items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.start()

    def start(self) -> None:
        log = self.options.root / "log"
        with log.open("ab") as output:
            command = ["containerd", "--config", str(self.options.config)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment)
        deadline = time.monotonic() + 10
        while not self.answers():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(self.options.socket))
            return True
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ctr(self, *arguments: str) -> str:
        command = ["ctr", "--address", str(self.options.socket), "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        below = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in reversed([path for path in below if path.startswith(str(self.options.root.parent))]):
            subprocess.run(["umount", "--lazy", mount], check=False)
        sweep_host_ports(self.options.network)
        subprocess.run(["ip", "link", "delete", self.options.bridge], check=False, capture_output=True)


@pytest.fixture(scope="session")
def containerd() -> Iterator[Containerd]:
    base = Path(tempfile.mkdtemp(prefix=f"kt-{uuid.uuid4().hex[:8]}", dir="/tmp"))
    daemon = Containerd(base)
    try:
        archive(base / "images.tar")
        daemon.ctr("images", "import", str(base / "images.tar"))
        yield daemon
    finally:
        daemon.stop()
        shutil.rmtree(base)


@pytest.fixture
async def runtime(containerd: Containerd) -> AsyncIterator[CRIRuntime]:
    runtime = CRIRuntime(str(containerd.options.socket), RealClock())
    yield runtime
    for sandbox in await runtime.sandboxes():
        await runtime.stop_sandbox(sandbox.id)
        await runtime.remove_sandbox(sandbox.id)
    await runtime.close()


@pytest.fixture
async def api() -> AsyncIterator[Client]:
    async with memory_api() as client:
        yield client


@pytest.fixture
async def node(api: Client, runtime: CRIRuntime, tmp_path: Path) -> AsyncIterator[Node]:
    """A kubelet at work; its pods are gone at the end."""
    node = Node(api, runtime, tmp_path)
    async with asyncio.timeout(60):
        await node.start()
        yield node
        await node.clear()
        await node.stop()
