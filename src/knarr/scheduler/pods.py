"""What a Pod takes of its node, worked out once however often the Pod is held against one.

https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/ and, for sidecars,
https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from knarr.machinery.quantity import parse
from knarr.scheduler.objects import Container, ContainerStatus, NodeAffinity, Pod, Toleration

Amounts = dict[str, int]  # CPU in thousandths, everything else in whole units (bytes, Pods, devices)
HostPort = tuple[str, str, int]  # address, protocol, port

# What a container without requests counts as where nodes are compared (never where they are ruled out): upstream's.
ASSUMED: Amounts = {"cpu": 100, "memory": 200 << 20}
WILDCARD = "0.0.0.0"
LARGEST = (1 << 63) - 1


class Demand(msgspec.Struct, frozen=True):
    """All that plugins see of a Pod; `compared` is `requests` with something assumed for those who ask for nothing."""

    requests: Amounts
    compared: Amounts
    ports: tuple[HostPort, ...]
    node_name: str
    node_selector: dict[str, str]
    node_affinity: NodeAffinity
    tolerations: tuple[Toleration, ...]


@dataclass(frozen=True, slots=True)
class PodInfo:
    """A Pod with what it asks for."""

    pod: Pod
    demand: Demand

    @property
    def uid(self) -> str:
        return self.pod.metadata.uid

    @property
    def priority(self) -> int:
        return self.pod.spec.priority or 0


def info_of(pod: Pod) -> PodInfo:
    spec = pod.spec
    affinity = (spec.affinity and spec.affinity.node_affinity) or NodeAffinity()
    requests, compared, ports = _total(pod, {}), _total(pod, ASSUMED), _host_ports(pod)
    demand = Demand(requests, compared, ports, spec.node_name, spec.node_selector, affinity, spec.tolerations)
    return PodInfo(pod, demand)


def same_demand(one: Pod, other: Pod) -> bool:
    """Whether two states of a Pod take the same of their node, as most updates of its status leave it."""
    return _taking_view(one) == _taking_view(other)


def amounts(quantities: Mapping[str, str]) -> Amounts:
    return {resource: _amount(resource, text) for resource, text in quantities.items()}


@lru_cache(maxsize=4096)
def _amount(resource: str, text: str) -> int:
    quantity = parse(text)
    return min(LARGEST, quantity.milli if resource == "cpu" else quantity.value)


def _total(pod: Pod, assumed: Amounts) -> Amounts:
    """All containers and sidecars at once, or, where it is more, what starting them takes; and the overhead.

    An init container runs beside the sidecars started before it. What is asked for the Pod as a whole (KEP-2837)
    stands for the sum.
    """
    spec, statuses = pod.spec, _statuses(pod)
    running: Amounts = {}
    starting: Amounts = {}
    for container in spec.init_containers:
        if container.is_sidecar:
            _add(running, assumed | _asked(pod, container, statuses))
            _raise(starting, running)
        else:
            beside = dict(running)
            _add(beside, assumed | amounts(container.resources.requests))
            _raise(starting, beside)
    for container in spec.containers:
        _add(running, assumed | _asked(pod, container, statuses))
    _raise(running, starting)
    running.update((r, n) for r, n in amounts(spec.resources.requests).items() if _is_pod_level(r))
    _add(running, amounts(spec.overhead))
    return running


def _asked(pod: Pod, container: Container, statuses: Mapping[str, ContainerStatus]) -> Amounts:
    """A container's requests; during a resize the most of what is wanted, allocated and in force (KEP-1287)."""
    wanted = amounts(container.resources.requests)
    status = statuses.get(container.name)
    if status is None or status.resources is None:
        return wanted
    given = amounts(status.resources.requests)
    _raise(given, amounts(status.allocated_resources))
    if pod.status.condition("PodResizePending").reason != "Infeasible":
        _raise(given, wanted)
    return given


def _statuses(pod: Pod) -> dict[str, ContainerStatus]:
    return {status.name: status for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)}


def _taking_view(pod: Pod) -> object:
    """What requests and ports are worked out from."""
    spec, status = pod.spec, pod.status
    resizing = status.container_statuses, status.init_container_statuses, status.condition("PodResizePending").reason
    return spec.containers, spec.init_containers, spec.resources, spec.overhead, resizing


def _is_pod_level(resource: str) -> bool:
    return resource in ("cpu", "memory") or resource.startswith("hugepages-")


def _add(total: Amounts, more: Amounts) -> None:
    for resource, number in more.items():
        total[resource] = min(LARGEST, total.get(resource, 0) + number)


def _raise(total: Amounts, least: Amounts) -> None:
    for resource, number in least.items():
        total[resource] = max(total.get(resource, 0), number)


def _host_ports(pod: Pod) -> tuple[HostPort, ...]:
    """The ports of the node that a Pod wants for itself as long as it runs."""
    sidecars = (container for container in pod.spec.init_containers if container.is_sidecar)
    return tuple(
        (port.host_ip or WILDCARD, port.protocol, port.host_port)
        for container in (*sidecars, *pod.spec.containers)
        for port in container.ports
        if port.host_port
    )
