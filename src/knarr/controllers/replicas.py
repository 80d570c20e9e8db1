"""So many Pods of a template: what ReplicaSets and ReplicationControllers have in common, which is all but the
selector.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec

from knarr.client.objects import JSON
from knarr.client.resources import PODS, Resource
from knarr.controllers.objects import (
    BY_CONTROLLER,
    Condition,
    Pod,
    ReplicaSet,
    available_in,
    by_controller,
    condition_of,
    omitting_zeros,
    write_status,
)
from knarr.controllers.ownership import Select, claim, owners_of
from knarr.controllers.pods import BURST, create_all, delete_all, first_to_go, from_template, observe
from knarr.machinery.errors import APIError
from knarr.machinery.selectors import LabelSelector
from knarr.machinery.times import format_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch


@dataclass(frozen=True, slots=True)
class Replication:
    """A kind that keeps replicas: its resource, and what its `spec.selector` means."""

    resource: Resource
    select: Select

    def selector(self, owner: ReplicaSet) -> LabelSelector:
        return self.select(owner.spec.selector)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there are not as many Pods as there should be: the ReplicaFailure condition's reason and message."""

    reason: str
    error: Exception


def controller(name: str, queue: str, kind: Replication) -> Controller:
    """The controller of such a kind."""
    resource = kind.resource
    return Controller(
        name=name,
        queue=queue,
        source=name,
        watches=(
            Watch(resource, ReplicaSet, indexes={BY_CONTROLLER: by_controller}),
            Watch(
                PODS,
                Pod,
                owners_of(resource, ReplicaSet, kind.selector),
                needs_context=True,
                observe=observe(resource),
                indexes={BY_CONTROLLER: by_controller},
            ),
        ),
        reconcile=partial(reconcile, kind),
        workers=5,
        may={
            resource.qualified_resource: "get",
            f"{resource.qualified_resource}/finalizers": "update",
            f"{resource.qualified_resource}/status": "update",
            "pods": "create delete patch",
            "events": "create patch",
        },
    )


async def reconcile(kind: Replication, context: Context, key: str) -> After | None:
    """Make the number of Pods right, then say in the status what is there."""
    owner = context.cache(kind.resource, ReplicaSet).get(key)
    if owner is None:
        context.expectations.forget(key)
        return None
    settled = context.expectations.satisfied(key)
    pods = await claim(context, owner, kind.resource, kind.selector(owner), kind=PODS, view=Pod)
    failure = None
    if settled and owner.metadata.deletion_timestamp is None:
        failure = await _replicate(kind, context, owner, [p for p in pods if p.active])
    now = context.clock.now()
    status = status_of(kind, owner, pods, failure, now)
    await write_status(context.client, kind.resource, owner.metadata, owner.status, status)
    if failure:
        raise failure.error
    return _next_available(owner, pods, now)


async def _replicate(kind: Replication, context: Context, owner: ReplicaSet, active: Sequence[Pod]) -> Failure | None:
    missing = owner.spec.replicas - len(active)
    try:
        if missing > 0:
            body = from_template(owner, kind.resource, owner.spec.template)
            await create_all(context, owner, [body] * min(missing, BURST))
        elif missing < 0:
            surplus = first_to_go(active, context.clock.now(), _crowding(kind, context, owner, active))
            await delete_all(context, owner, surplus[: min(-missing, BURST)])
    except (APIError, ConnectionError, TimeoutError) as error:
        return Failure("FailedCreate" if missing > 0 else "FailedDelete", error)
    return None


def _crowding(kind: Replication, context: Context, owner: ReplicaSet, active: Sequence[Pod]) -> Counter[str]:
    """How many active Pods each node has of this owner and of those with the same controller: a Deployment's others."""
    related = list(active)
    if manager := owner.metadata.controller:
        siblings = context.cache(kind.resource, ReplicaSet).by_index(BY_CONTROLLER, manager.uid)
        pods = context.cache(PODS, Pod)
        for sibling in siblings:
            if sibling.metadata.uid != owner.metadata.uid:
                related += [p for p in pods.by_index(BY_CONTROLLER, sibling.metadata.uid) if p.active]
    return Counter(p.spec.node_name for p in related)


def status_of(
    kind: Replication, owner: ReplicaSet, pods: Sequence[Pod], failure: Failure | None, now: datetime
) -> JSON:
    """The status as a merge patch."""
    active = [p for p in pods if p.active]
    labels = ((owner.spec.template.get("metadata") or {}).get("labels") or {}).items()
    waits = [available_in(p, owner.spec.min_ready_seconds, now) for p in active]
    status: JSON = {"replicas": len(active)} | omitting_zeros(
        fullyLabeledReplicas=sum(labels <= p.metadata.labels.items() for p in active),
        readyReplicas=sum(p.ready for p in active),
        availableReplicas=sum(w is not None and w <= 0 for w in waits),
        observedGeneration=owner.metadata.generation,
        conditions=_conditions(owner, failure, now),
    )
    if kind.resource.group:  # ReplicationControllers are not told of it any more
        leaving = sum(p.metadata.deletion_timestamp is not None and not p.terminal for p in pods)
        status["terminatingReplicas"] = leaving
    return status


def _conditions(owner: ReplicaSet, failure: Failure | None, now: datetime) -> list[JSON]:
    others = [c for c in owner.status.conditions if c.type != "ReplicaFailure"]
    current = condition_of(owner.status.conditions, "ReplicaFailure")
    if failure:
        fresh = Condition(
            type="ReplicaFailure",
            status="True",
            reason=failure.reason,
            message=str(failure.error),
            last_transition_time=format_time(now),
        )
        others.append(current if current and current.reason == fresh.reason else fresh)
    return [msgspec.to_builtins(c) for c in others]


def _next_available(owner: ReplicaSet, pods: Sequence[Pod], now: datetime) -> After | None:
    """Come back when the next Pod has been ready for long enough: no event tells of that."""
    waits = [available_in(p, owner.spec.min_ready_seconds, now) for p in pods if p.active]
    return min((After(w) for w in waits if w is not None and w > 0), key=lambda a: a.seconds, default=None)
