"""What controllers read of the objects that several of them watch; one view of a resource means one cache for all.

Templates are plain JSON, since they are passed on whole. Cached objects are shared: nobody changes them, nor the
trees inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import field

from knarr.client.client import Client
from knarr.client.objects import JSON, Meta, Object, View
from knarr.client.resources import Resource
from knarr.controllers.replacing import replace
from knarr.machinery.times import format_time, parse_time

BY_CONTROLLER = "controller"


class Condition(View, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_update_time: str | None = None
    last_transition_time: str | None = None


class ContainerPort(View, frozen=True):
    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"


class Container(View, frozen=True):
    name: str = ""
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""


class Toleration(View, frozen=True):
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class PodSpec(View, frozen=True):
    node_name: str = ""
    restart_policy: str = ""
    service_account_name: str = ""
    hostname: str = ""
    subdomain: str = ""
    host_network: bool = False
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    tolerations: tuple[Toleration, ...] = ()


class Terminated(View, frozen=True):
    finished_at: str | None = None
    exit_code: int = 0


class ContainerState(View, frozen=True):
    terminated: Terminated | None = None


class ContainerStatus(View, frozen=True):
    name: str = ""
    restart_count: int = 0
    state: ContainerState = ContainerState()


class PodIP(View, frozen=True):
    ip: str = ""


class PodStatus(View, frozen=True):
    phase: str = ""
    reason: str = ""
    pod_ip: str = field(default="", name="podIP")
    pod_ips: tuple[PodIP, ...] = field(default=(), name="podIPs")
    host_ip: str = field(default="", name="hostIP")
    start_time: str | None = None
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def terminal(self) -> bool:
        """Whether its containers have ended for good."""
        return self.status.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """Whether it runs or is about to."""
        return not self.terminal and self.metadata.deletion_timestamp is None

    @property
    def ready_since(self) -> str | None:
        """When it became ready; None while it is not."""
        ready = condition_of(self.status.conditions, "Ready")
        return (ready.last_transition_time or "") if ready and ready.status == "True" else None

    @property
    def ready(self) -> bool:
        return self.ready_since is not None


class ReplicaSetSpec(View, frozen=True):
    replicas: int = 1
    min_ready_seconds: int = 0
    selector: JSON | None = None  # of a ReplicationController: a plain map
    template: JSON = field(default_factory=dict)


class ReplicaSetStatus(View, frozen=True):
    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    observed_generation: int = 0
    conditions: tuple[Condition, ...] = ()


class ReplicaSet(Object, frozen=True):
    """A ReplicaSet or a ReplicationController: they differ in their selectors alone."""

    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


def fresh_condition(type: str, status: str, reason: str, message: str, now: datetime) -> Condition:
    """A condition that holds since now."""
    stamp = format_time(now)
    return Condition(
        type=type, status=status, reason=reason, message=message, last_update_time=stamp, last_transition_time=stamp
    )


def condition_of(conditions: Iterable[Condition], type: str) -> Condition | None:
    return next((c for c in conditions if c.type == type), None)


def available_in(pod: Pod, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until a ready Pod counts as available, 0 or less if it does; None while it is not ready."""
    since = pod.ready_since
    if since is None:
        return None
    if not min_ready_seconds:
        return 0.0
    if not since:
        return float(min_ready_seconds)
    return (parse_time(since) + timedelta(seconds=min_ready_seconds) - now).total_seconds()


def by_controller(obj: Object) -> Iterable[str]:
    """The index BY_CONTROLLER: the uid of the controller, or `orphans/<namespace>` for what has none."""
    owner = obj.metadata.controller
    return (owner.uid if owner else f"orphans/{obj.metadata.namespace}",)


def omitting_zeros(**status: Any) -> JSON:
    """Fields of a status for a merge patch: what upstream leaves out when it is zero or empty is taken out."""
    return {name: value or None for name, value in status.items()}


async def write_status(client: Client, resource: Resource, meta: Meta, current: View, status: JSON) -> bool:
    """Write the status where it differs from the current one; whether it did.

    It fails with `Conflict` on another object of the same name, and leaves alone what it does not mention.
    """
    known = msgspec.json.decode(msgspec.json.encode(current))
    if all((known.get(name) or None) == (value or None) for name, value in status.items()):
        return False
    change = {"metadata": {"uid": meta.uid}, "status": status}
    await replace(client, resource, meta.name, change, meta.namespace, subresource="status")
    return True
