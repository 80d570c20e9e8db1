"""What the scheduler knows of a node: its room, and the Pods that take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from knarr.scheduler.objects import Node, Taint
from knarr.scheduler.pods import Amounts, HostPort, PodInfo, amounts

_versions = count(1)


@dataclass(slots=True, eq=False)
class NodeInfo:
    """A node, taken apart for the plugins, and what is taken of it; `exists` is false when only its Pods are known.

    `version` is another one after each change, and no two nodes ever have the same.
    """

    name: str
    version: int = 0
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
        self.exists, self.version = True, next(_versions)
        self.labels, self.taints = node.metadata.labels, node.spec.taints
        self.cordoned, self.allocatable = node.spec.unschedulable, amounts(node.status.allocatable)

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        self._count(pod, 1)

    def remove(self, pod: PodInfo) -> None:
        self._count(self.pods.pop(pod.uid), -1)

    def _count(self, pod: PodInfo, sign: int) -> None:
        self.version = next(_versions)
        for total, asked in ((self.requested, pod.demand.requests), (self.compared, pod.demand.compared)):
            for resource, number in asked.items():
                total[resource] = total.get(resource, 0) + sign * number
        for port in pod.demand.ports:
            self.ports[port] = self.ports.get(port, 0) + sign
            if not self.ports[port]:
                del self.ports[port]
