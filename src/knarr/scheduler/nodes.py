"""What the scheduler knows of a node: its room, and the Pods that take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from knarr.scheduler.objects import Node, Taint
from knarr.scheduler.pods import Amounts, HostPort, PodInfo, amounts


@dataclass(slots=True, eq=False)
class NodeInfo:
    """A node, taken apart for the plugins, and what is taken of it; `exists` is false when only its Pods are known."""

    name: str
    exists: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    cordoned: bool = False
    taints: tuple[Taint, ...] = ()
    allocatable: Amounts = field(default_factory=dict)
    requested: Amounts = field(default_factory=dict)
    compared: Amounts = field(default_factory=dict)
    ports: dict[HostPort, int] = field(default_factory=dict)  # in use, by how many Pods
    pods: dict[str, PodInfo] = field(default_factory=dict)  # by uid

    def set_node(self, node: Node) -> None:
        self.exists = True
        self.labels, self.taints = node.metadata.labels, node.spec.taints
        self.cordoned, self.allocatable = node.spec.unschedulable, amounts(node.status.allocatable)

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        self._count(pod, 1)

    def remove(self, pod: PodInfo) -> None:
        self._count(self.pods.pop(pod.uid), -1)

    def _count(self, pod: PodInfo, sign: int) -> None:
        for total, asked in ((self.requested, pod.requests), (self.compared, pod.compared)):
            for resource, number in asked.items():
                total[resource] = total.get(resource, 0) + sign * number
        for port in pod.ports:
            self.ports[port] = self.ports.get(port, 0) + sign
            if not self.ports[port]:
                del self.ports[port]
