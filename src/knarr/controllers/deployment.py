"""Deployments: from one template of Pods to the next, without an interruption, and back again.

Each template has a ReplicaSet; a rollout moves replicas from the old ones to the new one, a step in each reconcile,
as far as the status of the ReplicaSets allows. What is decided is in rollout/; here it is done.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import JSON, Object
from knarr.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from knarr.controllers.objects import (
    BY_CONTROLLER,
    Condition,
    Pod,
    ReplicaSet,
    by_controller,
    fresh_condition,
    write_status,
)
from knarr.controllers.ownership import claim, label_selector, owners_of, reference
from knarr.controllers.replacing import replace
from knarr.controllers.rollout.progress import (
    as_patch,
    complete,
    counted,
    judged,
    pause_note,
    seconds_to_deadline,
)
from knarr.controllers.rollout.revisions import DESIRED, MAX_REPLICAS, REVISION, beyond_history, revision_annotations
from knarr.controllers.rollout.sizes import Sizes, is_scaling, most, new_size, old_sizes, scaled_sizes
from knarr.controllers.rollout.templates import HASH_LABEL, labelled, same_template, selecting, template_hash
from knarr.controllers.rollout.views import Deployment, Rollout
from knarr.machinery.errors import AlreadyExists, APIError, NotFound
from knarr.machinery.selectors import LabelSelector
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

Step = tuple[Rollout, Condition | None]  # where a step has led, and what is to be said of it


async def reconcile(context: Context, key: str) -> After | None:
    """Take the next step of the rollout, then say how it is getting on."""
    deployment = context.cache(DEPLOYMENTS, Deployment).get(key)
    if deployment is None:
        return None
    selector = label_selector(deployment.spec.selector)
    if selector.everything:
        await _refuse_to_select_all(context, deployment)
        return None
    sets = await claim(context, deployment, DEPLOYMENTS, selector, kind=REPLICA_SETS, view=ReplicaSet)
    rollout = Rollout.of(deployment, sets)
    if deployment.metadata.deletion_timestamp is not None:
        return await _report(context, rollout, None, judge=False)
    note = pause_note(deployment, context.clock.now())
    if deployment.spec.paused or is_scaling(rollout):
        return await _rescale(context, rollout, note)
    step = _recreate if deployment.recreates else _roll
    rollout, said = await step(context, rollout)
    return await _report(context, rollout, said or note, judge=True)


async def _refuse_to_select_all(context: Context, deployment: Deployment) -> None:
    text = "This deployment is selecting all pods. A non-empty selector is required."
    context.events.event(deployment, "Warning", "SelectingAll", text)
    seen: JSON = {"observedGeneration": deployment.metadata.generation}
    await write_status(context.client, DEPLOYMENTS, deployment.metadata, deployment.status, seen)


async def _rescale(context: Context, rollout: Rollout, note: Condition | None) -> After | None:
    """The wanted number has changed, or the rollout is paused: only sizes change."""
    if rollout.new:
        rollout, _ = await _ensure_new(context, rollout)
    rollout = await _scale(context, rollout, scaled_sizes(rollout))
    if rollout.deployment.spec.paused:
        await _clean_up(context, rollout)
    return await _report(context, rollout, note, judge=False)


async def _roll(context: Context, rollout: Rollout) -> Step:
    """RollingUpdate: grow the new ReplicaSet or, when it cannot, shrink the old ones."""
    rollout, said = await _ensure_new(context, rollout)
    size = new_size(rollout)
    if rollout.new and size != rollout.new.spec.replicas:
        return await _scale(context, rollout, {rollout.new.metadata.uid: size}), said
    sizes = old_sizes(rollout)
    if any(sizes[s.metadata.uid] != s.spec.replicas for s in rollout.old):
        return await _scale(context, rollout, sizes), said
    await _clean_up_when_done(context, rollout)
    return rollout, said


async def _recreate(context: Context, rollout: Rollout) -> Step:
    """Recreate: no new Pod before the last old one has gone."""
    if any(s.spec.replicas for s in rollout.old):
        return await _scale(context, rollout, {s.metadata.uid: 0 for s in rollout.old}), None
    pods = context.cache(PODS, Pod)
    if any(not p.terminal for s in rollout.old for p in pods.by_index(BY_CONTROLLER, s.metadata.uid)):
        return rollout, None
    rollout, said = await _ensure_new(context, rollout)
    if rollout.new:
        rollout = await _scale(context, rollout, {rollout.new.metadata.uid: new_size(rollout)})
    await _clean_up_when_done(context, rollout)
    return rollout, said


async def _ensure_new(context: Context, rollout: Rollout) -> Step:
    """The ReplicaSet of today's template, made if need be, with the right revision; the Deployment shows it too."""
    new, said = rollout.new, None
    if new is None:
        rollout, said = await _create_new(context, rollout)
    elif change := _outdated(rollout, new):
        rollout = rollout.having(await _patch_set(context, new, change))
    elif not any(c.type == "Progressing" for c in rollout.deployment.status.conditions):
        text = f'Found new replica set "{new.metadata.name}"'
        said = fresh_condition("Progressing", "True", "FoundNewReplicaSet", text, context.clock.now())
    await _show_revision(context, rollout)
    return rollout, said


def _outdated(rollout: Rollout, new: ReplicaSet) -> JSON:
    """The patch that brings annotations and minReadySeconds of the new ReplicaSet up to date; empty if they are."""
    change: JSON = {}
    annotations = revision_annotations(rollout)
    if annotations != new.metadata.annotations:
        change["metadata"] = {"annotations": annotations}
    if new.spec.min_ready_seconds != rollout.deployment.spec.min_ready_seconds:
        change["spec"] = {"minReadySeconds": rollout.deployment.spec.min_ready_seconds}
    return change


async def _create_new(context: Context, rollout: Rollout) -> Step:
    deployment, now = rollout.deployment, context.clock.now()
    body = new_replica_set(rollout)
    name, size = body["metadata"]["name"], body["spec"]["replicas"]
    try:
        new = await context.client.create(REPLICA_SETS, body, deployment.metadata.namespace, view=ReplicaSet)
    except AlreadyExists:
        return rollout.having(await _existing(context, deployment, name)), None
    except APIError as error:
        await _tell_failure(context, rollout, name, error)
        raise
    if size:
        context.events.event(
            deployment, "Normal", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}"
        )
    text = f'Created new replica set "{name}"'
    return rollout.having(new), fresh_condition("Progressing", "True", "NewReplicaSetCreated", text, now)


def new_replica_set(rollout: Rollout) -> JSON:
    """The ReplicaSet of today's template, as it is created."""
    deployment = rollout.deployment
    spec = deployment.spec
    digest = template_hash(spec.template, deployment.status.collision_count)
    template = labelled(spec.template, digest)
    return {
        "metadata": {
            "name": f"{deployment.metadata.name}-{digest}",
            "labels": template["metadata"]["labels"],
            "annotations": {**revision_annotations(rollout), **_size_annotations(deployment)},
            "ownerReferences": [reference(deployment, DEPLOYMENTS)],
        },
        "spec": {
            "replicas": new_size(rollout),
            "minReadySeconds": spec.min_ready_seconds,
            "selector": selecting(spec.selector, digest),
            "template": template,
        },
    }


async def _existing(context: Context, deployment: Deployment, name: str) -> ReplicaSet:
    """The name is taken: by our own that the cache does not show yet, or by another template, which changes the
    hash.
    """
    meta = deployment.metadata
    found = await context.client.get(REPLICA_SETS, name, meta.namespace, view=ReplicaSet)
    owner = found.metadata.controller
    if owner and owner.uid == meta.uid and same_template(found.spec.template, deployment.spec.template):
        return found
    collisions = {"collisionCount": (deployment.status.collision_count or 0) + 1}
    await write_status(context.client, DEPLOYMENTS, meta, deployment.status, collisions)
    raise AlreadyExists(f'the name of replica set "{name}" is taken: trying another hash')


async def _tell_failure(context: Context, rollout: Rollout, name: str, error: APIError) -> None:
    text = f'Failed to create new replica set "{name}": {error}'
    context.events.event(rollout.deployment, "Warning", "ReplicaSetCreateError", text)
    failed = fresh_condition("Progressing", "False", "ReplicaSetCreateError", text, context.clock.now())
    await _report(context, rollout, failed, judge=False)


async def _show_revision(context: Context, rollout: Rollout) -> None:
    """Through the status, where an annotation makes no new generation."""
    revision = rollout.new.metadata.annotations.get(REVISION, "") if rollout.new else ""
    meta = rollout.deployment.metadata
    if revision and meta.annotations.get(REVISION) != revision:
        change = {"metadata": {"uid": meta.uid, "annotations": {REVISION: revision}}}
        await replace(context.client, DEPLOYMENTS, meta.name, change, meta.namespace, subresource="status")


async def _scale(context: Context, rollout: Rollout, sizes: Sizes) -> Rollout:
    """Give ReplicaSets their sizes, and all of them the numbers that later scaling is reckoned from."""
    annotations = _size_annotations(rollout.deployment)
    for each in rollout.all:
        size, before = sizes.get(each.metadata.uid, each.spec.replicas), each.spec.replicas
        stale = annotations.items() - each.metadata.annotations.items()
        if each.metadata.uid not in sizes or (size == before and not stale):
            continue
        change = {"metadata": {"annotations": annotations}, "spec": {"replicas": size}}
        rollout = rollout.having(await _patch_set(context, each, change))
        if size != before:
            direction = "up" if size > before else "down"
            text = f"Scaled {direction} replica set {each.metadata.name} from {before} to {size}"
            context.events.event(rollout.deployment, "Normal", "ScalingReplicaSet", text)
    return rollout


async def _patch_set(context: Context, each: ReplicaSet, change: JSON) -> ReplicaSet:
    """Change a ReplicaSet, if it still is what was decided on."""
    meta = each.metadata
    patch = {**change, "metadata": {**change.get("metadata", {}), "resourceVersion": meta.resource_version}}
    return await context.client.patch(REPLICA_SETS, meta.name, patch, meta.namespace, view=ReplicaSet)


def _size_annotations(deployment: Deployment) -> dict[str, str]:
    return {DESIRED: str(deployment.spec.replicas), MAX_REPLICAS: str(most(deployment))}


async def _clean_up_when_done(context: Context, rollout: Rollout) -> None:
    if complete(rollout.deployment, counted(rollout, None, context.clock.now())):
        await _clean_up(context, rollout)


async def _clean_up(context: Context, rollout: Rollout) -> None:
    for each in beyond_history(rollout.deployment, rollout.old):
        meta = each.metadata
        try:
            await context.client.delete(REPLICA_SETS, meta.name, meta.namespace, uid=meta.uid)
        except NotFound:
            continue


async def _report(context: Context, rollout: Rollout, note: Condition | None, *, judge: bool) -> After | None:
    """Write the status; come back when the progress deadline has passed."""
    deployment, now = rollout.deployment, context.clock.now()
    status = counted(rollout, note, now)
    if judge:
        status = judged(rollout, status, now)
    await write_status(context.client, DEPLOYMENTS, deployment.metadata, deployment.status, as_patch(status))
    seconds = seconds_to_deadline(deployment, status, now) if judge else None
    return After(seconds) if seconds else None


def _recreated(pod: Object, context: Context) -> Iterable[str]:
    """A Deployment that recreates waits for its old Pods to go: the key of the Pod's, if it is one."""
    owner = pod.metadata.controller
    owning = context.cache(REPLICA_SETS, ReplicaSet).get(f"{pod.metadata.namespace}/{owner.name}") if owner else None
    above = owning.metadata.controller if owning and HASH_LABEL in owning.metadata.labels else None
    deployment = context.cache(DEPLOYMENTS, Deployment).get(f"{pod.metadata.namespace}/{above.name}") if above else None
    return (deployment.metadata.key,) if deployment and deployment.recreates else ()


def _selector(deployment: Deployment) -> LabelSelector:
    return label_selector(deployment.spec.selector)


CONTROLLER = Controller(
    name="deployment-controller",
    queue="deployment",
    source="deployment-controller",
    watches=(
        Watch(DEPLOYMENTS, Deployment),
        Watch(
            REPLICA_SETS,
            ReplicaSet,
            owners_of(DEPLOYMENTS, Deployment, _selector),
            needs_context=True,
            indexes={BY_CONTROLLER: by_controller},
        ),
        Watch(PODS, Pod, _recreated, needs_context=True, indexes={BY_CONTROLLER: by_controller}),
    ),
    reconcile=reconcile,
    workers=5,
    may={
        "deployments.apps": "get",
        "deployments.apps/finalizers": "update",
        "deployments.apps/status": "update",
        "replicasets.apps": "create delete get patch",
        "events": "create patch",
    },
)
