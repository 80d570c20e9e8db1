"""What controllers read of Nodes, and of the Pods on them."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import Object, View
from knarr.client.resources import PODS
from knarr.controllers.objects import Condition, Pod, Toleration
from knarr.runtime.context import Context

BY_NODE = "node"
ZONE = "topology.kubernetes.io/zone"


class NodeCondition(Condition, frozen=True):
    last_heartbeat_time: str | None = None


class Taint(View, frozen=True):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class Address(View, frozen=True):
    type: str = ""
    address: str = ""


class NodeSpec(View, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(View, frozen=True):
    conditions: tuple[NodeCondition, ...] = ()
    addresses: tuple[Address, ...] = ()


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def zone(self) -> str | None:
        """Where it stands, as its label says."""
        return self.metadata.labels.get(ZONE) or None

    def condition(self, type: str) -> str:
        """The condition's status, "" where nothing was ever said of it."""
        return next((c.status for c in self.status.conditions if c.type == type), "")

    @property
    def ready(self) -> bool:
        return self.condition("Ready") == "True"


def by_node(pod: Pod) -> Iterable[str]:
    """The index BY_NODE: the node that a Pod is bound to."""
    return (pod.spec.node_name,)


def pods_on(node: Node, context: Context) -> Iterable[str]:
    """For a `Watch` of Nodes: the Pods that are bound to it."""
    return [pod.metadata.key for pod in context.cache(PODS, Pod).by_index(BY_NODE, node.metadata.name)]


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value
