"""A real cluster for the tests of this folder, brought up and taken down as a user does it."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from knarr.cluster.config import Config, load
from tests.e2e.places import Place
from tests.kubectl import Kubectl

MANIFESTS = Path(__file__).parent / "manifests"
START = 120.0  # seconds


@dataclass(frozen=True)
class Cluster:
    """A running cluster and the way to it."""

    config: Config
    kubeconfig: Path

    def knarr(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a knarr command on this cluster."""
        return knarr(command, "--data-dir", self.config.data, *arguments)

    def kubectl(self, namespace: str = "default", binary: Path | None = None) -> Kubectl:
        return Kubectl(self.kubeconfig, namespace, binary) if binary else Kubectl(self.kubeconfig, namespace)


def knarr(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "knarr", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=START, check=False)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def flags(name: str, data: Path, subnet: int) -> list[str]:
    """The flags of a cluster that shares nothing with another one on this machine."""
    api, kubelet, dns, registry = free_ports(4)
    chosen = {
        "name": name,
        "data-dir": str(data),
        "kubeconfig": str(data.parent / f"{name}.kubeconfig"),
        "api-port": str(api),
        "kubelet-port": str(kubelet),
        "dns-port": str(dns),
        "registry-port": str(registry),
        "pod-cidr": f"10.{subnet}.0.0/24",
        "service-cidr": f"10.{subnet + 1}.0.0/16",
    }
    return [word for flag, value in chosen.items() for word in (f"--{flag}", value)]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster for the whole session; tests keep to namespaces of their own."""
    data = tmp_path_factory.mktemp("e2e") / "data"
    done = knarr("up", *flags("e2e", data, 150))
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        config = load(data)
        assert config
        yield Cluster(config, data.parent / "e2e.kubeconfig")
    finally:
        knarr("reset", "--data-dir", str(data), "--kubeconfig", str(data.parent / "e2e.kubeconfig"))


@pytest.fixture
def kubectl(cluster: Cluster) -> Iterator[Kubectl]:
    """kubectl in a namespace that the test has for itself."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    admin = cluster.kubectl()
    admin("create", "namespace", namespace)
    yield cluster.kubectl(namespace)
    admin("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def place(cluster: Cluster, kubectl: Kubectl) -> Place:
    """The test's namespace, ready for Pods."""
    kubectl.until("default", "get", "serviceaccount", "default", "-o", "jsonpath={.metadata.name}")
    return Place(cluster.config, kubectl)


@pytest.fixture
def manifest() -> Callable[[str], Path]:
    """A manifest by its number."""

    def find(number: str) -> Path:
        return next(MANIFESTS.glob(f"{number}-*.yaml"))

    return find
