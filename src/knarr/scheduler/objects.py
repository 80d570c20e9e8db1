"""What the scheduler reads of Pods and nodes."""

from __future__ import annotations

from typing import Any

from msgspec import field

from knarr.client.objects import Object, View

NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE = "NoSchedule", "NoExecute", "PreferNoSchedule"


class Requirements(View, frozen=True):
    requests: dict[str, str] = {}


class ContainerPort(View, frozen=True):
    host_port: int = 0
    host_ip: str = field(name="hostIP", default="")
    protocol: str = "TCP"


class Container(View, frozen=True):
    name: str = ""
    resources: Requirements = Requirements()
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""

    @property
    def is_sidecar(self) -> bool:
        """Whether an init container goes on running beside the others (KEP-753)."""
        return self.restart_policy == "Always"


class Taint(View, frozen=True):
    key: str
    effect: str
    value: str = ""


class Toleration(View, frozen=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """An empty key with Exists tolerates everything, an empty effect every effect."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (self.operator in ("", "Equal") and self.value == taint.value)


class NodeAffinity(View, frozen=True):
    required_during_scheduling_ignored_during_execution: dict[str, Any] | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[dict[str, Any], ...] = ()


class Affinity(View, frozen=True):
    node_affinity: NodeAffinity | None = None


class SchedulingGate(View, frozen=True):
    name: str


class PodSpec(View, frozen=True):
    node_name: str = ""
    scheduler_name: str = "default-scheduler"
    priority: int | None = None
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    resources: Requirements = Requirements()
    overhead: dict[str, str] = {}
    scheduling_gates: tuple[SchedulingGate, ...] = ()


class Condition(View, frozen=True):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class ContainerStatus(View, frozen=True):
    """What a container has been given; it differs from its spec while it is resized."""

    name: str
    resources: Requirements | None = None
    allocated_resources: dict[str, str] = {}


class PodStatus(View, frozen=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()

    def condition(self, type: str) -> Condition:
        """The condition of this type; an empty one if there is none."""
        return next((c for c in self.conditions if c.type == type), Condition(type=type))


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def over(self) -> bool:
        """Whether its containers have ended for good, so that it takes nothing of its node."""
        return self.status.phase in ("Succeeded", "Failed")


class NodeSpec(View, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(View, frozen=True):
    allocatable: dict[str, str] = {}


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()
