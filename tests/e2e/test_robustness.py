"""What a cluster survives: storms of kill -9, a power cut, a full disk, commands at once, no network at all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from knarr.cluster.config import load
from tests.e2e.conftest import Cluster, flags, knarr
from tests.e2e.invariants import comes_to_rest
from tests.e2e.reboot import power_cut
from tests.e2e.test_healing import a_web_service, commands, converges, identities, pid_of
from tests.e2e.test_pods import fetch
from tests.kubectl import Kubectl

NAMESPACE = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "refused"}}'
DIARY = """
apiVersion: v1
kind: Pod
metadata: {{name: diary}}
spec:
  containers:
  - name: c
    image: busybox
    command: [sh, -c, 'hostname >> /data/diary; exec sleep 10000']
    volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, hostPath: {{path: {folder}}}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: brief}}
spec:
  restartPolicy: Never
  containers: [{{name: c, image: busybox, command: [sleep, "10000"]}}]
"""
STORM = float(os.environ.get("KNARR_STORM_SECONDS", "15"))


@contextmanager
def a_cluster(name: str, data: Path, subnet: int) -> Iterator[Cluster]:
    """A cluster of a test's own, for as long as the context lasts."""
    try:
        done = knarr("up", *flags(name, data, subnet))
        assert done.returncode == 0, done.stdout + done.stderr
        config = load(data)
        assert config
        yield Cluster(config, data.parent / f"{name}.kubeconfig")
    finally:
        knarr("reset", "--data-dir", str(data), "--kubeconfig", str(data.parent / f"{name}.kubeconfig"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_cluster("robust", tmp_path_factory.mktemp("robust") / "data", 192) as cluster:
        yield cluster


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take all space that is left; returns the file that holds it."""
    file = disk / "full"
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    return file


def storm(cluster: Cluster, seconds: float, chance: random.Random) -> list[str]:
    """Kill -9 a process of the cluster every second; returns which."""
    killed = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        part = chance.choice(("server", "agent", "containerd", "supervisor"))
        if pid := pid_of(cluster, part):
            os.kill(pid, signal.SIGKILL)
            killed.append(part)
        time.sleep(1.0)
    return killed


@contextmanager
def load_of(*work: Callable[[], None]) -> Iterator[None]:
    """Run the functions over and over in threads of their own."""
    over = threading.Event()

    def repeat(each: Callable[[], None]) -> None:
        while not over.wait(0.05):
            each()

    threads = [threading.Thread(target=repeat, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


class Writer:
    """Creates ConfigMaps and remembers those that the API acknowledged."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl, self.tried, self.acknowledged = kubectl, 0, set[str]()

    def __call__(self) -> None:
        self.tried += 1
        name = f"kept-{self.tried}"
        if self.kubectl.run("create", "configmap", name).returncode == 0:
            self.acknowledged.add(name)

    def lost(self) -> set[str]:
        found = self.kubectl("get", "configmaps", "-o", "name").split()
        return self.acknowledged - {name.partition("/")[2] for name in found}


class Scaler:
    """Scales one deployment and changes the template of another, to and fro."""

    def __init__(self, kubectl: Kubectl) -> None:
        self.kubectl, self.turn = kubectl, 0

    def __call__(self) -> None:
        self.turn += 1
        self.kubectl.run("scale", "deployment/scaled", f"--replicas={self.turn % 4 + 1}")
        self.kubectl.run("set", "env", "deployment/rolled", f"TURN={self.turn}")
        time.sleep(2)


class Asker:
    """Asks a Service over and over and remembers when nobody answered."""

    def __init__(self, url: str) -> None:
        self.url, self.answered, self.failures = url, 0, list[str]()

    def __call__(self) -> None:
        try:
            fetch(self.url)
            self.answered += 1
        except OSError as error:
            self.failures.append(str(error))


def test_a_storm_of_kills_under_load(own: Cluster) -> None:
    kubectl = own.kubectl()
    asker, writer = Asker(a_web_service(kubectl)), Writer(kubectl)
    for name in ("scaled", "rolled"):
        kubectl("create", "deployment", name, "--image=nginx", "--replicas=2")
        kubectl("rollout", "status", f"deployment/{name}")
        kubectl("expose", "deployment", name, "--port=80")
    untouched = identities(kubectl)
    with load_of(writer, Scaler(kubectl), asker):
        killed = storm(own, STORM, random.Random(1))
    assert set(killed) == {"server", "agent", "containerd", "supervisor"}
    kubectl.until("ok", "get", "--raw", "/readyz")
    assert writer.acknowledged
    assert writer.lost() == set()
    comes_to_rest(own)
    assert identities(kubectl) == untouched
    assert (bool(asker.answered), asker.failures) == (True, [])


def test_everything_may_be_dead_at_once_but_the_sentry(own: Cluster) -> None:
    before = identities(own.kubectl())
    for part in ("supervisor", "server", "agent", "containerd"):
        os.kill(pid_of(own, part), signal.SIGKILL)
    own.kubectl().until("ok", "get", "--raw", "/readyz")
    comes_to_rest(own)
    assert identities(own.kubectl()) == before


def test_a_machine_that_boots_brings_every_pod_back(own: Cluster, tmp_path: Path) -> None:
    kubectl = own.kubectl()
    kubectl.apply(DIARY.format(folder=tmp_path))
    kubectl.wait("--for=condition=Ready", "pod/diary", "pod/brief")
    before = {pod["metadata"]["uid"] for pod in kubectl.pods("")}
    power_cut(own.config)
    again = knarr("up", "--data-dir", own.config.data, "--kubeconfig", str(own.kubeconfig))
    assert again.returncode == 0, again.stderr
    kubectl.until("1", "get", "pod", "diary", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    kubectl.until("Failed", "get", "pod", "brief", "-o", "jsonpath={.status.phase}")  # it is never started again
    comes_to_rest(own)
    assert {pod["metadata"]["uid"] for pod in kubectl.pods("")} == before
    assert (tmp_path / "diary").read_text() == "diary\ndiary\n"


def test_a_full_disk_stops_writes_alone_and_until_there_is_space(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "600m") as disk, a_cluster("full", disk / "my data", 194) as cluster:
        kubectl = cluster.kubectl()
        url = a_web_service(kubectl)
        before = identities(kubectl)
        full = fill(disk)
        refused = kubectl.run("create", "configmap", "refused")
        assert "is full: free some space there, and writing goes on by itself" in refused.stderr
        raw = kubectl.run("create", "--raw", "/api/v1/namespaces", "-f", "-", stdin=NAMESPACE)
        assert "(ServiceUnavailable)" in raw.stderr
        assert identities(kubectl) == before
        fetch(url)
        full.unlink()
        converges(kubectl, 3)
        assert before < identities(kubectl)


def test_commands_at_once_take_turns(tmp_path: Path) -> None:
    data = tmp_path / "a folder" / "data"
    chosen = flags("turns", data, 196)
    with ThreadPoolExecutor() as threads:
        try:
            both = [threads.submit(knarr, "up", *chosen) for _ in range(3)]
            assert [each.result().returncode for each in both] == [0, 0, 0]
            down, up = threads.submit(knarr, "down", "--data-dir", str(data)), threads.submit(knarr, "up", *chosen)
            assert down.result().returncode == 0
            up.result()
        finally:
            resets = [threads.submit(knarr, "reset", "--data-dir", str(data), *chosen[4:6]) for _ in range(2)]
            told = {each.result().stderr for each in resets}
    assert told <= {"", f"knarr: there is no cluster in {data}; start one with: knarr up\n"}
    assert not Path("/run/knarr-turns").exists()


def test_a_broken_kubeconfig_is_refused_before_anything_starts(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("clusters: [what")
    data = tmp_path / "data"
    refused = knarr("up", *flags("vain", data, 196), "--kubeconfig", str(broken))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"knarr: {broken} is not YAML: ")
    assert refused.stderr.endswith("; mend it, or name another file with --kubeconfig\n")
    assert (broken.read_text(), data.exists()) == ("clusters: [what", False)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_an_interrupted_start_leaves_nothing(tmp_path: Path, delay: float) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-u", "-m", "knarr", "up", *flags("cut", data, 196)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
            assert up.stdout
            next(line for line in up.stdout if line.startswith("Certificates"))
            time.sleep(delay)
            up.send_signal(signal.SIGINT)
            up.communicate(timeout=60)
        assert up.returncode == -signal.SIGINT
        deadline = time.monotonic() + 10  # a supervisor that was just being started sees that its cluster is gone
        while [line for line in commands() if str(data) in line]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert not Path("/run/knarr-cut").exists()
    finally:
        knarr("reset", "--data-dir", str(data), "--kubeconfig", str(data.parent / "cut.kubeconfig"))


def test_a_machine_without_any_network_is_a_node(tmp_path: Path) -> None:
    """In a network namespace where even loopback is down; Pods answer by their Service's name."""
    data = tmp_path / "data"
    script = [str(Path(__file__).parent / "without_network.sh"), sys.executable, str(data), *flags("bare", data, 196)]
    done = subprocess.run(["unshare", "--net", "sh", *script], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Welcome to nginx" in done.stdout
