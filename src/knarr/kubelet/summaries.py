"""What the node tells of usage: Prometheus text, and the Summary API that metrics servers read.

Only what the runtime measures is told; what it does not is left out rather than guessed.
"""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from knarr.client.objects import JSON
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerStats
from knarr.kubelet.objects import Pod
from knarr.machinery.figures import Family, lines
from knarr.machinery.times import format_time

_POD_UID, _CONTAINER = "io.kubernetes.pod.uid", "io.kubernetes.container.name"


_NODE_NAME = Family("kubelet_node_name", "gauge", "The node's name. The count is always 1.", ("node",))
_PODS = Family("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox")
_CONTAINERS = Family(
    "kubelet_running_containers", "gauge", "Number of containers currently running", ("container_state",)
)
_CPU = Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.")
_MEMORY = Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")


def metrics(node: str, containers: Sequence[ContainerRecord]) -> Iterator[str]:
    """Metrics under upstream's names (https://kubernetes.io/docs/reference/instrumentation/metrics/)."""
    states = Counter(container.state.name.lower() for container in containers)
    running = {c.sandbox_id for c in containers if c.state.name == "RUNNING"}
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield from lines(_NODE_NAME, [((node,), 1)])
    yield from lines(_PODS, [((), len(running))])
    yield from lines(_CONTAINERS, (((state,), count) for state, count in sorted(states.items())))
    yield from lines(_CPU, [((), usage.ru_utime + usage.ru_stime)])
    yield from lines(_MEMORY, [((), _resident())])


def summary(node: str, pods: Iterable[Pod], stats: Sequence[ContainerStats]) -> JSON:
    """`stats/v1alpha1` Summary: CPU, memory and writable layers of the containers of each pod."""
    of_pod: dict[str, list[ContainerStats]] = {}
    for measured in stats:
        of_pod.setdefault(measured.labels.get(_POD_UID, ""), []).append(measured)
    return {
        "node": {"nodeName": node},
        "pods": [_pod(pod, of_pod[pod.uid]) for pod in pods if pod.uid in of_pod],
    }


def _pod(pod: Pod, stats: Sequence[ContainerStats]) -> JSON:
    newest = _time(max(measured.timestamp for measured in stats))
    return {
        "podRef": {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": pod.uid},
        "startTime": pod.status.start_time,
        "containers": [_container(measured) for measured in stats],
        "cpu": {"time": newest, "usageCoreNanoSeconds": sum(measured.cpu_usage for measured in stats)},
        "memory": {"time": newest, "workingSetBytes": sum(measured.memory_working_set for measured in stats)},
    }


def _container(measured: ContainerStats) -> JSON:
    time = _time(measured.timestamp)
    return {
        "name": measured.labels.get(_CONTAINER, ""),
        "cpu": {"time": time, "usageCoreNanoSeconds": measured.cpu_usage},
        "memory": {
            "time": time,
            "workingSetBytes": measured.memory_working_set,
            "usageBytes": measured.memory_usage,
            "rssBytes": measured.memory_rss,
        },
        "rootfs": {"time": time, "usedBytes": measured.disk_used, "inodesUsed": measured.inodes_used},
    }


def _time(nanoseconds: int) -> str:
    return format_time(datetime.fromtimestamp(nanoseconds / 1e9, UTC))


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
