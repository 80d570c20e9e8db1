"""Making and deleting many Pods of one owner: in batches that start slow, with events, and with expectations kept
honest.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from knarr.client.objects import JSON, Object
from knarr.client.resources import PODS, Resource
from knarr.controllers.objects import Pod
from knarr.controllers.ownership import reference
from knarr.machinery.errors import APIError, NotFound, is_terminating
from knarr.machinery.times import parse_time
from knarr.runtime.context import Context

BURST = 500  # Pods made or deleted in one reconcile
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "": 1, "Unknown": 1, "Running": 2}


def from_template(owner: Object, resource: Resource, template: JSON, **metadata: Any) -> JSON:
    """The Pod that a template describes, managed by `owner`; `metadata` adds to the template's."""
    meta = template.get("metadata") or {}
    described = {name: meta[name] for name in ("labels", "annotations", "finalizers") if meta.get(name)}
    return {
        "metadata": {
            "generateName": f"{owner.metadata.name}-",
            **described,
            **metadata,
            "ownerReferences": [reference(owner, resource)],
        },
        "spec": template.get("spec") or {},
    }


async def create_all(context: Context, owner: Object, bodies: Sequence[JSON]) -> None:
    """Create Pods, 1, 2, 4, ... at a time, and no more after a batch with a failure, which is raised.

    The slow start spares the server a thousand refusals where a quota or an admission plugin refuses the first.
    """
    key = owner.metadata.key
    context.expectations.expect(key, creations=len(bodies))
    done, size = 0, 1
    while batch := bodies[done : done + size]:
        failures = await _all(_create(context, owner, body) for body in batch)
        done, size = done + len(batch), size * 2
        if failures:
            context.expectations.created(key, len(bodies) - done + len(failures))
            raise failures[0]


async def delete_all(context: Context, owner: Object, pods: Sequence[Pod]) -> None:
    """Delete Pods, all at once; the first failure is raised when all have been tried."""
    context.expectations.expect(owner.metadata.key, deletions={p.metadata.uid for p in pods})
    if failures := await _all(_delete(context, owner, pod) for pod in pods):
        raise failures[0]


async def _all(calls: Iterable[Awaitable[None]]) -> list[BaseException]:
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [result for result in results if result is not None]


async def _create(context: Context, owner: Object, body: JSON) -> None:
    try:
        pod = await context.client.create(PODS, body, owner.metadata.namespace)
    except APIError as error:
        if is_terminating(error):
            raise  # it could not be recorded either
        context.events.event(owner, "Warning", "FailedCreate", f"Error creating: {error}")
        raise
    context.events.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {pod.metadata.name}")


async def _delete(context: Context, owner: Object, pod: Pod) -> None:
    meta = pod.metadata
    try:
        await context.client.delete(PODS, meta.name, meta.namespace, uid=meta.uid)
    except NotFound:
        context.expectations.deleted(owner.metadata.key, meta.uid)
        return
    except Exception as error:
        context.expectations.deleted(owner.metadata.key, meta.uid)
        context.events.event(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
        raise
    context.events.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {meta.name}")


def observe(resource: Resource) -> Callable[[Context, Pod | None, Pod | None], None]:
    """For a `Watch` of Pods: meet the expectations of their controllers. A Pod on its way out counts as deleted."""

    def seen(context: Context, old: Pod | None, new: Pod | None) -> None:
        meta = (new or old or Pod()).metadata
        owner = meta.controller
        if owner is None or owner.kind != resource.kind:
            return
        key = f"{meta.namespace}/{owner.name}"
        if old is None:
            context.expectations.created(key)
        if new is None or new.metadata.deletion_timestamp is not None:
            context.expectations.deleted(key, meta.uid)

    return seen


def first_to_go(pods: Iterable[Pod], now: datetime, crowding: Mapping[str, int] | None = None) -> list[Pod]:
    """Pods in the order in which scaling down deletes them.

    Not yet on a node, pending, not ready, cheap to delete (the annotation), on a crowded node (`crowding`: Pods of
    the same purpose by node), ready since a short time, often restarted, young. Ages are compared by their order of
    magnitude (KEP-2185).
    """
    return sorted(pods, key=lambda pod: _worth(pod, now, crowding or {}))


def _worth(pod: Pod, now: datetime, crowding: Mapping[str, int]) -> tuple[Any, ...]:
    return (
        bool(pod.spec.node_name),
        _PHASES.get(pod.status.phase, 2),
        pod.ready,
        _deletion_cost(pod),
        -crowding.get(pod.spec.node_name, 0),
        _magnitude(pod.ready_since, now),
        -sum(status.restart_count for status in pod.status.container_statuses),
        _magnitude(pod.metadata.creation_timestamp, now),
        pod.metadata.uid,
    )


def _deletion_cost(pod: Pod) -> int:
    try:
        return int(pod.metadata.annotations.get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _magnitude(since: str | None, now: datetime) -> int:
    """The binary logarithm of an age in nanoseconds, rounded down; -1 for none."""
    if not since:
        return -1
    nanoseconds = (now - parse_time(since)).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1
