"""What dies comes back, and what ran goes on: each process of the cluster killed in turn."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from knarr.cluster import processes
from knarr.cluster.config import load
from tests.e2e.conftest import Cluster, flags, knarr
from tests.e2e.test_pods import fetch, until_answered
from tests.e2e.test_services import cluster_ip
from tests.kubectl import Kubectl

PARTS = {
    "joined": ("server", "agent", "containerd", "supervisor"),
    "apart": ("apiserver", "controller-manager", "scheduler", "kubelet", "proxy", "dns"),
}


def pid_of(cluster: Cluster, part: str) -> int:
    process = processes.find(cluster.config.run / f"{part}.pid")
    if process is None:
        return 0
    os.close(process.fd)
    return process.pid


def kill(cluster: Cluster, part: str) -> None:
    """Kill -9, and wait until somebody has started a successor."""
    before = pid_of(cluster, part)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while pid_of(cluster, part) in (0, before):
        assert time.monotonic() < deadline, f"nobody started {part} again"
        time.sleep(0.05)


def identities(kubectl: Kubectl) -> set[tuple[str, str]]:
    """Every running container by its Pod, so that a restart shows."""
    return {
        (pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["containerID"])
        for pod in kubectl.pods("app=web")
    }


def a_web_service(kubectl: Kubectl) -> str:
    """Two Pods behind a Service; its URL, from the node."""
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2")
    kubectl("rollout", "status", "deployment/web")
    kubectl("expose", "deployment", "web", "--port=80")
    url = f"http://{cluster_ip(kubectl, 'web')}/"
    until_answered(url)
    return url


def converges(kubectl: Kubectl, replicas: int) -> None:
    """The cluster can still do all that it could: schedule, start, serve, count."""
    kubectl.until(".+", "get", "--raw", "/readyz")
    kubectl("scale", "deployment/web", f"--replicas={replicas}")
    kubectl.until(str(replicas), "get", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}")


@pytest.mark.parametrize("part", PARTS["joined"])
def test_any_process_may_be_killed(kubectl: Kubectl, cluster: Cluster, part: str) -> None:
    url = a_web_service(kubectl)
    before = identities(kubectl)
    kubectl("create", "configmap", "acknowledged", "--from-literal=before=kill")
    kill(cluster, part)
    fetch(url)
    kubectl.until("kill", "get", "configmap", "acknowledged", "-o", "jsonpath={.data.before}")
    converges(kubectl, 3)
    assert before < identities(kubectl), "running containers were touched"
    kubectl.wait("--for=condition=Ready", f"node/{cluster.config.node_name}")
    until_answered(url)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A second cluster, beside the first, every component in a process of its own."""
    data = tmp_path_factory.mktemp("apart") / "data"
    done = knarr("up", *flags("apart", data, 160), "--layout=apart")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        config = load(data)
        assert config
        yield Cluster(config, data.parent / "apart.kubeconfig")
    finally:
        knarr("reset", "--data-dir", str(data), "--kubeconfig", str(data.parent / "apart.kubeconfig"))


def test_components_run_apart_and_are_killed_one_by_one(apart: Cluster) -> None:
    kubectl = apart.kubectl()
    url = a_web_service(kubectl)
    before = identities(kubectl)
    for part in PARTS["apart"]:
        kill(apart, part)
        until_answered(url)
    converges(kubectl, 3)
    assert before < identities(kubectl)


def test_a_stopped_cluster_comes_back_with_all_that_it_had(apart: Cluster) -> None:
    kubectl = apart.kubectl()
    kubectl("create", "configmap", "kept", "--from-literal=over=restarts")
    kubectl("create", "deployment", "again", "--image=nginx")
    kubectl("rollout", "status", "deployment/again")
    assert apart.knarr("down").returncode == 0
    assert apart.knarr("status").returncode == 1
    again = knarr("up", "--data-dir", apart.config.data, "--kubeconfig", str(apart.kubeconfig))
    assert again.returncode == 0, again.stderr
    assert kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.over}") == "restarts"
    kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=again", "--timeout=60s")
    (pod,) = kubectl.pods("app=again")
    until_answered(f"http://{pod['status']['podIP']}/")


def test_nothing_is_left_after_down(apart: Cluster) -> None:
    assert apart.knarr("down").returncode == 0
    config = apart.config
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(config.root) not in mounts
    assert str(config.run) not in mounts
    assert not config.run.exists()
    assert not Path(f"/sys/class/net/{config.bridge}").exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/{config.cgroup}"))
    assert not [line for line in commands() if str(config.root) in line or str(config.run) in line]
    assert config.nft_table not in nft_tables()


def commands() -> list[str]:
    """The command lines of everything that runs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def nft_tables() -> list[str]:
    import subprocess

    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in listed.splitlines()]
