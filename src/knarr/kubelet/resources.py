"""From requests and limits to the kernel: QoS classes, CPU shares and quota, memory limits, OOM scores.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ and .../configuration/manage-resources-containers/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from knarr.kubelet.cri.runtime import Limits
from knarr.kubelet.objects import Container, Pod
from knarr.machinery.quantity import Quantity, parse

PERIOD = 100_000  # microseconds of a CFS period
LEAST_QUOTA = 1000
LEAST_SHARES = 2
GUARANTEED_SCORE, BEST_EFFORT_SCORE = -997, 1000
COUNTED = ("cpu", "memory")
ZERO = Quantity(0)


def amount(resources: Mapping[str, Any], name: str) -> Quantity:
    return parse(resources[name]) if name in resources else ZERO


def containers_of(pod: Pod) -> Iterable[Container]:
    return (*pod.spec.init_containers, *pod.spec.containers)


def qos_class(pod: Pod) -> str:
    """Guaranteed where all containers have equal requests and limits of both; BestEffort where none has any."""
    asked = [c.resources for c in containers_of(pod)]
    if not any(amount(r, name).nano for c in asked for r in (c.requests, c.limits) for name in COUNTED):
        return "BestEffort"
    equal = all(
        amount(c.limits, name).nano and amount(c.requests or c.limits, name) == amount(c.limits, name)
        for c in asked
        for name in COUNTED
    )
    return "Guaranteed" if equal else "Burstable"


def shares(milli_cpu: int) -> int:
    return max(LEAST_SHARES, milli_cpu * 1024 // 1000)


def quota(milli_cpu: int) -> int:
    return max(LEAST_QUOTA, milli_cpu * PERIOD // 1000) if milli_cpu else 0


def oom_score(pod: Pod, container: Container, node_memory: int) -> int:
    """The more of its request a burstable container uses, the sooner it goes."""
    match qos_class(pod):
        case "Guaranteed":
            return GUARANTEED_SCORE
        case "BestEffort":
            return BEST_EFFORT_SCORE
    requested = amount(container.resources.requests, "memory").value
    score = 1000 - 1000 * requested // max(node_memory, 1)
    return min(max(score, 1000 + GUARANTEED_SCORE), BEST_EFFORT_SCORE - 1)


def container_limits(pod: Pod, container: Container, node_memory: int) -> Limits:
    requests, limits = container.resources.requests, container.resources.limits
    cpu = amount(limits, "cpu").milli
    requested = amount(requests, "cpu").milli if "cpu" in requests else cpu
    return Limits(
        cpu_shares=shares(requested),
        cpu_quota=quota(cpu),
        cpu_period=PERIOD,
        memory=amount(limits, "memory").value,
        oom_score_adj=oom_score(pod, container, node_memory),
    )


def pod_limits(pod: Pod) -> Limits:
    """Of the pod's cgroup: the app containers' sum or any init container's; limits only where all have one."""
    requested = needed(pod, "requests", "cpu")
    limited = all("cpu" in c.resources.limits for c in pod.spec.containers)
    bounded = all("memory" in c.resources.limits for c in pod.spec.containers)
    return Limits(
        cpu_shares=shares(requested.milli),
        cpu_quota=quota(needed(pod, "limits", "cpu").milli) if limited else 0,
        cpu_period=PERIOD,
        memory=needed(pod, "limits", "memory").value if bounded else 0,
    )


def needed(pod: Pod, kind: str, name: str) -> Quantity:
    """Sidecars count beside whatever runs after them."""
    sidecars = total = peak = ZERO
    for container in pod.spec.init_containers:
        own = amount(getattr(container.resources, kind), name)
        if container.restart_policy == "Always":
            sidecars = sidecars + own
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + own)
    for container in pod.spec.containers:
        total = total + amount(getattr(container.resources, kind), name)
    return max(peak, sidecars + total) + amount(pod.spec.overhead, name)
