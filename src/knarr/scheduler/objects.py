"""What the scheduler reads of Pods and nodes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec import field

from knarr.client.objects import Object, View
from knarr.machinery.quantity import parse

Amounts = dict[str, int]  # CPU in thousandths, everything else in whole units (bytes, Pods, devices)

# What a container without requests counts as where nodes are compared (never where they are ruled out): upstream's.
DEFAULT_CPU, DEFAULT_MEMORY = 100, 200 << 20


class Requirements(View, frozen=True):
    requests: dict[str, str] = {}


class ContainerPort(View, frozen=True):
    host_port: int = 0
    host_ip: str = field(name="hostIP", default="")
    protocol: str = "TCP"


class Container(View, frozen=True):
    resources: Requirements = Requirements()
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""


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
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


class Taint(View, frozen=True):
    key: str
    effect: str
    value: str = ""


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
    overhead: dict[str, str] = {}
    scheduling_gates: tuple[SchedulingGate, ...] = ()


class Condition(View, frozen=True):
    type: str
    status: str = ""
    reason: str = ""
    message: str = ""


class PodStatus(View, frozen=True):
    phase: str = ""
    conditions: tuple[Condition, ...] = ()


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def over(self) -> bool:
        """Whether its containers have ended for good, so that it takes nothing of its node."""
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def priority(self) -> int:
        return self.spec.priority or 0


class NodeSpec(View, frozen=True):
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()


class NodeStatus(View, frozen=True):
    allocatable: dict[str, str] = {}


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


@lru_cache(maxsize=4096)
def amount(resource: str, text: str) -> int:
    """A quantity as the scheduler counts it."""
    quantity = parse(text)
    return quantity.milli if resource == "cpu" else quantity.value


def amounts(quantities: dict[str, str]) -> Amounts:
    return {resource: amount(resource, text) for resource, text in quantities.items()}


def requests_of(pod: Pod) -> Amounts:
    """What a Pod asks of its node: all containers and sidecars at once, or, where it is more, what starting them takes.

    An init container runs beside the sidecars started before it (KEP-753).
    """
    return _total(pod, lambda container: amounts(container.resources.requests))


def compared_requests_of(pod: Pod) -> Amounts:
    """The same where nodes are compared: containers that ask for no CPU or memory still need some."""
    assumed = {"cpu": DEFAULT_CPU, "memory": DEFAULT_MEMORY}
    return _total(pod, lambda container: assumed | amounts(container.resources.requests))


def _total(pod: Pod, ask: Any) -> Amounts:
    running: Amounts = {}
    starting: Amounts = {}
    for container in pod.spec.init_containers:
        asked = ask(container)
        if container.restart_policy == "Always":
            _add(running, asked)
            _raise(starting, running)
        else:
            _raise(starting, {r: running.get(r, 0) + asked.get(r, 0) for r in running.keys() | asked.keys()})
    for container in pod.spec.containers:
        _add(running, ask(container))
    _raise(running, starting)
    _add(running, amounts(pod.spec.overhead))
    return running


def _add(total: Amounts, more: Amounts) -> None:
    for resource, number in more.items():
        total[resource] = total.get(resource, 0) + number


def _raise(total: Amounts, least: Amounts) -> None:
    for resource, number in least.items():
        total[resource] = max(total.get(resource, 0), number)
