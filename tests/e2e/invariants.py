"""What must hold whenever a cluster has come to rest: the node has what the API says, once, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knarr.kubelet.cri.client import CRIRuntime
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, Sandbox
from knarr.kubelet.sandboxes import POD_UID
from knarr.machinery.clock import RealClock
from tests.e2e.conftest import Cluster

Tree = dict[str, Any]


def comes_to_rest(cluster: Cluster, patience: float = 60.0) -> None:
    """Wait until nothing is wrong any more; fails with what still is."""
    deadline = time.monotonic() + patience
    while found := list(violations(cluster)):
        assert time.monotonic() < deadline, "\n".join(found)
        time.sleep(0.5)


def violations(cluster: Cluster) -> Iterator[str]:
    """A sentence for everything that is not as it should be."""
    admin = cluster.kubectl("")
    pods = admin.json("get", "pods", "-A")["items"]
    sandboxes, containers = asyncio.run(_runtime(cluster))
    yield from _pods_at_rest(pods)
    yield from _runtime_as_api(pods, sandboxes, containers)
    yield from _kernel_as_runtime(cluster, pods, sandboxes, containers)
    yield from _owners_have_what_they_want(pods, admin.json("get", "replicasets", "-A")["items"])
    yield from _endpoints_as_pods(pods, admin.json("get", "services,endpointslices", "-A")["items"])


async def _runtime(cluster: Cluster) -> tuple[list[Sandbox], list[ContainerRecord]]:
    runtime = CRIRuntime(str(cluster.config.containerd_socket), RealClock())
    try:
        return list(await runtime.sandboxes()), list(await runtime.containers())
    finally:
        await runtime.close()


def _pods_at_rest(pods: list[Tree]) -> Iterator[str]:
    for pod in pods:
        if "deletionTimestamp" in pod["metadata"]:
            yield f"{_name(pod)} is still being deleted"
        elif _runs(pod) and not _ready(pod):
            yield f"{_name(pod)} is not Ready"


def _runtime_as_api(pods: list[Tree], sandboxes: list[Sandbox], containers: list[ContainerRecord]) -> Iterator[str]:
    """One sandbox for each Pod that runs, its containers once, and none of Pods that nobody knows."""
    known = {pod["metadata"]["uid"] for pod in pods}
    everything: list[Sandbox | ContainerRecord] = [*sandboxes, *containers]
    for left in everything:
        if left.labels[POD_UID] not in known:
            yield f"{left.name} ({left.id[:12]}) is left of a Pod that is gone"
    ready = Counter(sandbox.uid for sandbox in sandboxes if sandbox.ready)
    running = {record.id for record in containers if record.state is ContainerState.RUNNING}
    statuses = [status for pod in pods for status in _statuses(pod)]
    told = {status["containerID"].rpartition("/")[2] for status in statuses if "running" in status["state"]}
    for pod in filter(_runs, pods):
        if ready[pod["metadata"]["uid"]] != 1:
            yield f"{_name(pod)} has {ready[pod['metadata']['uid']]} sandboxes that run"
    for record in sorted(running ^ told):
        yield f"container {record[:12]} runs {'without the API knowing' if record in running else 'for the API only'}"


def _kernel_as_runtime(
    cluster: Cluster, pods: list[Tree], sandboxes: list[Sandbox], containers: list[ContainerRecord]
) -> Iterator[str]:
    """Network interfaces, addresses, mounts and cgroups: as many as belong to what runs."""
    config, cri = cluster.config, cluster.config.containerd_state / "io.containerd.grpc.v1.cri"
    on_bridge = sum(1 for sandbox in sandboxes if sandbox.ready)
    known = {pod["metadata"]["uid"] for pod in pods}
    links = json.loads(_output("ip", "-json", "link", "show", "master", config.bridge) or "[]")
    leases = list((config.containerd_state / "addresses" / config.nft_table).glob("*.*.*.*"))
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    roots = [mount for mount in mounts if mount.startswith(str(config.run)) and mount.endswith("/rootfs")]
    groups = {path.name.removeprefix("pod") for path in Path("/sys/fs/cgroup").glob(f"*/{config.cgroup}/**/pod*-*")}
    counted = {
        "interfaces on the bridge": (len(links), on_bridge),
        "leased addresses": (len(leases), on_bridge),
        "network namespaces": (sum(mount.startswith(f"{cri}/netns/") for mount in mounts), on_bridge),
        "root file systems": (len(roots), _alive(sandboxes, containers)),
    }
    for what, (there, wanted) in counted.items():
        if there != wanted:
            yield f"{there} {what} instead of {wanted}"
    for uid in groups - known:
        yield f"the cgroup of Pod {uid} is left"
    for uid in {folder.name for folder in (config.root / "pods").glob("*")} - known:
        yield f"the files of Pod {uid} are left"


def _alive(sandboxes: list[Sandbox], containers: list[ContainerRecord]) -> int:
    running = sum(record.state is ContainerState.RUNNING for record in containers)
    return running + sum(sandbox.ready for sandbox in sandboxes)


def _owners_have_what_they_want(pods: list[Tree], sets: list[Tree]) -> Iterator[str]:
    owned = Counter(owner["uid"] for pod in pods for owner in pod["metadata"].get("ownerReferences", ()))
    for each in sets:
        if owned[each["metadata"]["uid"]] != each["spec"]["replicas"]:
            yield f"{_name(each)} has {owned[each['metadata']['uid']]} Pods instead of {each['spec']['replicas']}"


def _endpoints_as_pods(pods: list[Tree], objects: list[Tree]) -> Iterator[str]:
    for service in objects:
        if service["kind"] != "Service" or not (selector := service["spec"].get("selector")):
            continue
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        wanted = {pod["status"].get("podIP") for pod in pods if _ready(pod) and _selected(pod, namespace, selector)}
        slices = [s for s in objects if s["metadata"].get("labels", {}).get("kubernetes.io/service-name") == name]
        told = {
            address
            for each in slices
            if each["metadata"]["namespace"] == namespace
            for endpoint in each["endpoints"] or ()
            for address in endpoint["addresses"]
        }
        if told != wanted:
            yield f"Service {namespace}/{name} sends to {sorted(told)} instead of {sorted(wanted)}"


def _selected(pod: Tree, namespace: str, selector: dict[str, str]) -> bool:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return bool(pod["metadata"]["namespace"] == namespace and selector.items() <= labels.items())


def _name(tree: Tree) -> str:
    return f"{tree['kind']} {tree['metadata']['namespace']}/{tree['metadata']['name']}"


def _runs(pod: Tree) -> bool:
    return pod["status"].get("phase") not in ("Succeeded", "Failed")


def _ready(pod: Tree) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _statuses(pod: Tree) -> list[Tree]:
    status = pod["status"]
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
