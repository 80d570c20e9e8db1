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
    """Guaranteed where all containers have equal requests and limits of both; BestEffort where none has any.

    Resources of the whole pod, where given, decide alone (KEP-2837).
    """
    whole = pod.spec.resources
    of_pod = any(name in amounts for amounts in (whole.requests, whole.limits) for name in COUNTED)
    asked = [whole] if of_pod else [c.resources for c in containers_of(pod)]
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
    requested = amount(container.resources.requests, "memory").value + unclaimed_share(pod)
    score = 1000 - 1000 * requested // max(node_memory, 1)
    return min(max(score, 1000 + GUARANTEED_SCORE), BEST_EFFORT_SCORE - 1)


def unclaimed_share(pod: Pod) -> int:
    """Bytes that each container has of what the pod requests beyond its containers' own requests."""
    of_pod = amount(pod.spec.resources.requests, "memory").value
    claimed = sum(amount(container.resources.requests, "memory").value for container in pod.spec.containers)
    return max(0, of_pod - claimed) // max(1, len(pod.spec.containers))


def container_limits(pod: Pod, container: Container, node_memory: int) -> Limits:
    """Where a container has no limit, the pod's own stands in for it."""
    requests, limits = container.resources.requests, {**pod.spec.resources.limits, **container.resources.limits}
    cpu = amount(limits, "cpu").milli
    requested = amount(requests if "cpu" in requests else container.resources.limits, "cpu").milli
    return Limits(
        cpu_shares=shares(requested),
        cpu_quota=quota(cpu),
        cpu_period=PERIOD,
        memory=amount(limits, "memory").value,
        oom_score_adj=oom_score(pod, container, node_memory),
    )


def pod_limits(pod: Pod) -> Limits:
    """Of the pod's cgroup: its own, or the app containers' sum or any init container's.

    Without limits of its own it has them only where all containers have one.
    """
    requested = needed(pod, "requests", "cpu")
    limited, bounded = is_limited(pod, "cpu"), is_limited(pod, "memory")
    return Limits(
        cpu_shares=shares(requested.milli),
        cpu_quota=quota(needed(pod, "limits", "cpu").milli) if limited else 0,
        cpu_period=PERIOD,
        memory=needed(pod, "limits", "memory").value if bounded else 0,
    )


def is_limited(pod: Pod, name: str) -> bool:
    return name in pod.spec.resources.limits or all(name in c.resources.limits for c in pod.spec.containers)


def needed(pod: Pod, kind: str, name: str) -> Quantity:
    """What the pod says of itself, or its containers together; a pod without requests requests its limits."""
    own: Mapping[str, Any] = getattr(pod.spec.resources, kind)
    found = amount(own, name) if name in own else together(pod, kind, name)
    if kind == "requests" and not found.nano:
        found = amount(pod.spec.resources.limits, name)
    return found + amount(pod.spec.overhead, name)


def together(pod: Pod, kind: str, name: str) -> Quantity:
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
    return max(peak, sidecars + total)
