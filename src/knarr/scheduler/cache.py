"""What the scheduler knows of each node: its room, and the Pods that take it, those just decided included.

A decision counts from the moment it is made (the Pod is *assumed*), not from when the watch brings it back: the next
Pod must not be given the same room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knarr.scheduler.objects import Amounts, Node, Pod, amounts, compared_requests_of, requests_of

WILDCARD = "0.0.0.0"


@dataclass(slots=True)
class NodeInfo:
    """A node and what is taken of it. `ports` are (address, protocol, port) of host ports in use."""

    name: str
    node: Node | None = None
    allocatable: Amounts = field(default_factory=dict)
    requested: Amounts = field(default_factory=dict)
    compared: Amounts = field(default_factory=dict)
    ports: dict[tuple[str, str, int], int] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)

    def set_node(self, node: Node | None) -> None:
        self.node = node
        self.allocatable = amounts(node.status.allocatable) if node else {}

    def add(self, pod: Pod) -> None:
        self.pods[pod.metadata.uid] = pod
        self._count(pod, 1)

    def remove(self, pod: Pod) -> None:
        known = self.pods.pop(pod.metadata.uid, None)
        if known:
            self._count(known, -1)

    def _count(self, pod: Pod, sign: int) -> None:
        for total, asked in ((self.requested, requests_of(pod)), (self.compared, compared_requests_of(pod))):
            for resource, number in asked.items():
                total[resource] = total.get(resource, 0) + sign * number
        for port in host_ports(pod):
            self.ports[port] = self.ports.get(port, 0) + sign
            if not self.ports[port]:
                del self.ports[port]


def host_ports(pod: Pod) -> list[tuple[str, str, int]]:
    """The ports of the node that a Pod wants for itself."""
    return [
        (port.host_ip or WILDCARD, port.protocol, port.host_port)
        for container in (*pod.spec.containers, *pod.spec.init_containers)
        for port in container.ports
        if port.host_port
    ]


class Cache:
    """All nodes, by name."""

    def __init__(self) -> None:
        self._infos: dict[str, NodeInfo] = {}
        self._placed: dict[str, str] = {}  # uid of a Pod to the node that it counts on
        self._turn = 0

    def set_node(self, node: Node) -> None:
        self._info(node.metadata.name).set_node(node)

    def remove_node(self, name: str) -> None:
        """Forget a node; its Pods keep counting until they are gone, in case it comes back."""
        if info := self._infos.get(name):
            info.set_node(None)
            self._drop_if_empty(info)

    def place(self, pod: Pod, node: str) -> None:
        """Count a Pod on a node, whether decided here or seen; moves it where it counted elsewhere."""
        self.remove(pod)
        self._placed[pod.metadata.uid] = node
        self._info(node).add(pod)

    def remove(self, pod: Pod) -> None:
        """Stop counting a Pod, if it is counted."""
        node = self._placed.pop(pod.metadata.uid, None)
        if node is not None:
            info = self._infos[node]
            info.remove(pod)
            self._drop_if_empty(info)

    def nodes(self) -> Sequence[NodeInfo]:
        """The nodes there are, beginning each time where the last call left off, so that all get their turn."""
        infos = [info for info in self._infos.values() if info.node]
        if not infos:
            return []
        self._turn %= len(infos)
        turned = infos[self._turn :] + infos[: self._turn]
        self._turn += 1
        return turned

    def names(self) -> Iterable[str]:
        return [info.name for info in self._infos.values() if info.node]

    def _info(self, name: str) -> NodeInfo:
        return self._infos.setdefault(name, NodeInfo(name))

    def _drop_if_empty(self, info: NodeInfo) -> None:
        if info.node is None and not info.pods:
            del self._infos[info.name]
