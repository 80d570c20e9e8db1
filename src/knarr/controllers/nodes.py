"""What controllers read of Nodes."""

from __future__ import annotations

from knarr.client.objects import Object, View
from knarr.controllers.objects import Condition

ZONE = "topology.kubernetes.io/zone"


class NodeCondition(Condition, frozen=True):
    last_heartbeat_time: str | None = None


class Taint(View, frozen=True):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class NodeSpec(View, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(View, frozen=True):
    conditions: tuple[NodeCondition, ...] = ()


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def zone(self) -> str | None:
        """Where it stands, as its label says."""
        return self.metadata.labels.get(ZONE) or None

    def condition(self, type: str) -> str:
        """The condition's status, "Unknown" where nothing was ever said of it."""
        return next((c.status for c in self.status.conditions if c.type == type), "Unknown")
