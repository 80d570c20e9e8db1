"""A Deployment with its ReplicaSets, as its controller sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from msgspec import field

from knarr.client.objects import JSON, Object, View
from knarr.controllers.objects import Condition, ReplicaSet
from knarr.controllers.rollout.templates import same_template

_NO_DEADLINE = 2**31 - 1  # the largest value means none, as does leaving it out


class RollingUpdate(View, frozen=True):
    max_unavailable: int | str = "25%"
    max_surge: int | str = "25%"


class Strategy(View, frozen=True):
    type: str = "RollingUpdate"
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(View, frozen=True):
    replicas: int = 1
    selector: JSON | None = None
    template: JSON = field(default_factory=dict)
    strategy: Strategy = Strategy()
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    progress_deadline_seconds: int | None = None
    paused: bool = False


class DeploymentStatus(View, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int | None = None
    collision_count: int | None = None
    conditions: tuple[Condition, ...] = ()


class Deployment(Object, frozen=True):
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()

    @property
    def recreates(self) -> bool:
        return self.spec.strategy.type == "Recreate"

    @property
    def deadline(self) -> int | None:
        """Seconds without progress after which a rollout counts as failed."""
        seconds = self.spec.progress_deadline_seconds
        return None if seconds == _NO_DEADLINE else seconds


@dataclass(frozen=True)
class Rollout:
    """A Deployment and its ReplicaSets, oldest first: `new` has the template of today, if it is there already."""

    deployment: Deployment
    new: ReplicaSet | None
    old: tuple[ReplicaSet, ...]

    @classmethod
    def of(cls, deployment: Deployment, sets: Iterable[ReplicaSet]) -> Rollout:
        ordered = sorted(sets, key=lambda s: (s.metadata.creation_timestamp or "", s.metadata.name))
        new = next((s for s in ordered if same_template(s.spec.template, deployment.spec.template)), None)
        return cls(deployment, new, tuple(s for s in ordered if s is not new))

    def having(self, changed: ReplicaSet) -> Rollout:
        """The rollout with a ReplicaSet as it is after a change; an unknown one is the new one."""
        uid = changed.metadata.uid
        if any(s.metadata.uid == uid for s in self.old):
            old = tuple(changed if s.metadata.uid == uid else s for s in self.old)
            return Rollout(self.deployment, self.new, old)
        return Rollout(self.deployment, changed, self.old)

    @cached_property
    def all(self) -> tuple[ReplicaSet, ...]:
        return (*self.old, self.new) if self.new else self.old

    @property
    def active(self) -> tuple[ReplicaSet, ...]:
        """Those that are to have Pods."""
        return tuple(s for s in self.all if s.spec.replicas > 0)

    @property
    def wanted(self) -> int:
        return self.deployment.spec.replicas

    @property
    def available(self) -> int:
        return sum(s.status.available_replicas for s in self.all)
