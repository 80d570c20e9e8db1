"""What a Deployment's status says: numbers, Available, Progressing.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from knarr.client.objects import JSON
from knarr.controllers.objects import Condition, condition_of, fresh_condition, omitting_zeros
from knarr.controllers.rollout.sizes import max_unavailable
from knarr.controllers.rollout.templates import describe
from knarr.controllers.rollout.views import Deployment, DeploymentStatus, Rollout
from knarr.machinery.times import parse_time

COMPLETE, PROGRESSING, TIMED_OUT = "NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
Conditions = tuple[Condition, ...]


def with_condition(conditions: Conditions, fresh: Condition, *, renew: bool = False) -> Conditions:
    """The conditions with `fresh` in place; one that says the same stays, unless its update time is to be renewed."""
    current = condition_of(conditions, fresh.type)
    if current and (current.status, current.reason) == (fresh.status, fresh.reason) and not renew:
        return conditions
    if current and current.status == fresh.status:
        fresh = msgspec.structs.replace(fresh, last_transition_time=current.last_transition_time)
    return (*(c for c in conditions if c.type != fresh.type), fresh)


def pause_note(deployment: Deployment, now: datetime) -> Condition | None:
    """The Progressing condition that a pause or its end calls for, so that time paused does not count as no
    progress.
    """
    if deployment.deadline is None:
        return None
    current = condition_of(deployment.status.conditions, "Progressing")
    reason = current.reason if current else ""
    if reason == TIMED_OUT or deployment.spec.paused == (reason == PAUSED):
        return None
    if deployment.spec.paused:
        return fresh_condition("Progressing", "Unknown", PAUSED, "Deployment is paused", now)
    return fresh_condition("Progressing", "Unknown", RESUMED, "Deployment is resumed", now)


def counted(rollout: Rollout, note: Condition | None, now: datetime) -> DeploymentStatus:
    """The numbers and the Available condition; `note` is what this round has to say about progress."""
    deployment, sets = rollout.deployment, rollout.all
    replicas = sum(s.status.replicas for s in sets)
    leaving = [s.status.terminating_replicas for s in sets if s.status.terminating_replicas is not None]
    conditions = deployment.status.conditions
    if note:
        conditions = with_condition(conditions, note)
    return DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=replicas,
        updated_replicas=rollout.new.status.replicas if rollout.new else 0,
        ready_replicas=sum(s.status.ready_replicas for s in sets),
        available_replicas=rollout.available,
        unavailable_replicas=max(0, replicas - rollout.available),
        terminating_replicas=sum(leaving) if len(leaving) == len(sets) else None,
        collision_count=deployment.status.collision_count,
        conditions=with_condition(conditions, _availability(rollout, now)),
    )


def judged(rollout: Rollout, counts: DeploymentStatus, now: datetime) -> DeploymentStatus:
    """The status with a judgement of how the rollout is getting on, where a deadline asks for one."""
    conditions = tuple(c for c in counts.conditions if c.type != "ReplicaFailure")
    if rollout.deployment.deadline is None:
        conditions = tuple(c for c in conditions if c.type != "Progressing")
    elif not _done_before(rollout.deployment, counts):
        conditions = _judgement(rollout, counts, conditions, now)
    failures = [c for s in (rollout.new, *rollout.old) if s for c in s.status.conditions if c.type == "ReplicaFailure"]
    return msgspec.structs.replace(counts, conditions=(*conditions, *failures[:1]))


def seconds_to_deadline(deployment: Deployment, status: DeploymentStatus, now: datetime) -> float | None:
    """When to look again whether a rollout is stuck; None when there is nothing to wait for."""
    current = condition_of(status.conditions, "Progressing")
    if current is None or deployment.deadline is None or current.reason == TIMED_OUT or complete(deployment, status):
        return None
    return max(0.0, (_since(current, now) + timedelta(seconds=deployment.deadline) - now).total_seconds()) + 1


def complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether all Pods are of today's template, all are available, and no others are left."""
    wanted = deployment.spec.replicas
    numbers = (status.updated_replicas, status.replicas, status.available_replicas)
    return numbers == (wanted, wanted, wanted) and status.observed_generation >= deployment.metadata.generation


def as_patch(status: DeploymentStatus) -> JSON:
    """The status as a merge patch."""
    patch = omitting_zeros(
        observedGeneration=status.observed_generation,
        replicas=status.replicas,
        updatedReplicas=status.updated_replicas,
        readyReplicas=status.ready_replicas,
        availableReplicas=status.available_replicas,
        unavailableReplicas=status.unavailable_replicas,
        conditions=[msgspec.to_builtins(c) for c in status.conditions],
    )
    return {**patch, "terminatingReplicas": status.terminating_replicas, "collisionCount": status.collision_count}


def _availability(rollout: Rollout, now: datetime) -> Condition:
    if rollout.available >= rollout.wanted - max_unavailable(rollout.deployment):
        text = "Deployment has minimum availability."
        return fresh_condition("Available", "True", "MinimumReplicasAvailable", text, now)
    text = "Deployment does not have minimum availability."
    return fresh_condition("Available", "False", "MinimumReplicasUnavailable", text, now)


def _done_before(deployment: Deployment, counts: DeploymentStatus) -> bool:
    """A rollout that was complete is not judged anew when Pods come and go later."""
    current = condition_of(counts.conditions, "Progressing")
    return current is not None and current.reason == COMPLETE and counts.replicas == counts.updated_replicas


def _judgement(rollout: Rollout, counts: DeploymentStatus, conditions: Conditions, now: datetime) -> Conditions:
    deployment = rollout.deployment
    who = describe(rollout.new, deployment.metadata.name)
    if complete(deployment, counts):
        done = fresh_condition("Progressing", "True", COMPLETE, f"{who} has successfully progressed.", now)
        return with_condition(conditions, done)
    if _moved(deployment.status, counts):
        moving = fresh_condition("Progressing", "True", PROGRESSING, f"{who} is progressing.", now)
        return with_condition(conditions, moving, renew=True)
    if _timed_out(deployment, counts, now):
        stuck = fresh_condition("Progressing", "False", TIMED_OUT, f"{who} has timed out progressing.", now)
        return with_condition(conditions, stuck)
    return conditions


def _moved(before: DeploymentStatus, now: DeploymentStatus) -> bool:
    return (
        now.updated_replicas > before.updated_replicas
        or now.replicas - now.updated_replicas < before.replicas - before.updated_replicas
        or now.ready_replicas > before.ready_replicas
        or now.available_replicas > before.available_replicas
    )


def _timed_out(deployment: Deployment, counts: DeploymentStatus, now: datetime) -> bool:
    current = condition_of(counts.conditions, "Progressing")
    if current is None or deployment.deadline is None or current.reason == COMPLETE:
        return False
    return current.reason == TIMED_OUT or _since(current, now) + timedelta(seconds=deployment.deadline) < now


def _since(current: Condition, now: datetime) -> datetime:
    return parse_time(current.last_update_time) if current.last_update_time else now
