"""Nodes: one that says nothing any more is of unknown state; its state shows in its taints, and in its Pods.

The taints keep Pods away (NoSchedule) and drive off those that do not tolerate them (NoExecute).

https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import LEASES, NODES, PODS
from knarr.controllers.health.disruptions import Pace, zone_of
from knarr.controllers.health.heartbeats import Heartbeats, grace_of, status_beat, unknown_conditions
from knarr.controllers.health.taints import drives_off, failure, wanted_taints
from knarr.controllers.nodes import BY_NODE, Node, by_node
from knarr.controllers.objects import Pod
from knarr.machinery.errors import NotFound
from knarr.machinery.times import format_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

LEASE_NAMESPACE = "kube-node-lease"


class LeaseSpec(View, frozen=True):
    renew_time: str | None = None


class Lease(Object, frozen=True):
    spec: LeaseSpec = LeaseSpec()


class Seen:
    """The nodes that were announced, by name, and those of them that were Ready when last looked at."""

    def __init__(self) -> None:
        self.uids: dict[str, str] = {}
        self.ready: set[str] = set()


async def reconcile(context: Context, name: str) -> After | None:
    """Judge a node's health, and write what follows into its conditions, its taints and its Pods."""
    node = context.cache(NODES, Node).get(name)
    _announce(context, name, node)
    if node is None:
        context.memory(Heartbeats).forget(name)
        return None
    left = await _left(context, node)
    if left <= 0:
        node = await _doubt(context, node)
        _note(context, name, node)
    await _follow_readiness(context, node)
    paced = await _taint(context, node)
    waits = [wait for wait in (left, paced) if wait and wait > 0]
    return After(min(waits)) if waits else None


async def _left(context: Context, node: Node) -> float:
    """Seconds until the node has been silent for too long; before that is said, the API is asked: a watch may lag."""
    beats, name = context.memory(Heartbeats), node.metadata.name
    if beats.silence(name, context.clock.monotonic()) >= grace_of(node) and node.condition("Ready") != "Unknown":
        named = f"metadata.name={name}"
        for lease in (await context.reader.list(LEASES, LEASE_NAMESPACE, field_selector=named, view=Lease)).items:
            heard_lease(context, None, lease)
    return grace_of(node) - beats.silence(name, context.clock.monotonic())


async def _doubt(context: Context, node: Node) -> Node:
    """Nothing is known of a silent node: say so in its conditions. Returns the node as it is then."""
    conditions = unknown_conditions(node, format_time(context.clock.now()))
    if not conditions:
        return node
    patch = {"metadata": {"uid": node.metadata.uid}, "status": {"conditions": conditions}}
    name = node.metadata.name
    return await context.client.patch(NODES, name, patch, kind="strategic", subresource="status", view=Node)


async def _follow_readiness(context: Context, node: Node) -> None:
    """When a node ceases to be Ready, its Pods do: nobody else would say so."""
    seen, name = context.memory(Seen), node.metadata.name
    if node.ready:
        seen.ready.add(name)
    elif name in seen.ready or node.condition("Ready") == "Unknown":
        for pod in context.cache(PODS, Pod).by_index(BY_NODE, name):
            await _mark(context, pod)
        if name in seen.ready:
            seen.ready.discard(name)
            context.events.event(_reference(node), "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")


async def _mark(context: Context, pod: Pod) -> None:
    if not pod.ready:
        return
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": format_time(context.clock.now())}
    patch = {"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [condition]}}
    meta = pod.metadata
    try:
        await context.client.patch(PODS, meta.name, patch, meta.namespace, kind="strategic", subresource="status")
    except NotFound:
        return
    context.events.event(pod, "Warning", "NodeNotReady", "Node is not ready")


async def _taint(context: Context, node: Node) -> float | None:
    """Make the taints right; the seconds after which Pods may be driven off, if they may not yet."""
    pace, now = context.memory(Pace), context.clock.monotonic()
    wait: float | None = None
    drive_off = drives_off(node) and not pace.stopped
    if failure(node) and not drive_off:
        wait = pace.take(zone_of(node), now)
        drive_off = wait == 0
    taints = wanted_taints(node, format_time(context.clock.now()), drive_off=drive_off)
    if taints != node.spec.taints:
        metadata = {"resourceVersion": node.metadata.resource_version}
        patch = {"metadata": metadata, "spec": {"taints": msgspec.to_builtins(taints) or None}}
        await context.client.patch(NODES, node.metadata.name, patch)
    return wait


def _announce(context: Context, name: str, node: Node | None) -> None:
    """Tell of nodes that come and go."""
    seen = context.memory(Seen)
    uid = seen.uids.get(name)
    if node is None and uid is not None:
        del seen.uids[name]
        seen.ready.discard(name)
        gone = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": uid}
        message = f"Node {name} event: Removing Node {name} from Controller"
        context.events.event(gone, "Normal", "RemovingNode", message)
    elif node is not None and uid is None:
        seen.uids[name] = node.metadata.uid
        message = f"Node {name} event: Registered Node {name} in Controller"
        context.events.event(_reference(node), "Normal", "RegisteredNode", message)


def _reference(node: Node) -> JSON:
    return {"kind": "Node", "apiVersion": "v1", "name": node.metadata.name, "uid": node.metadata.uid}


def heard_lease(context: Context, old: Lease | None, new: Lease | None) -> None:
    """A renewal is a sign of life; nothing needs to be done about it."""
    if new is not None:
        beat, now = new.spec.renew_time or "", context.clock.monotonic()
        context.memory(Heartbeats).hear(new.metadata.name, "lease", beat, now)


def heard_status(context: Context, old: Node | None, new: Node | None) -> None:
    """A status that the node wrote is a sign of life; one that was written here is none."""
    if new is not None and (old is None or status_beat(new)):
        context.memory(Heartbeats).hear(new.metadata.name, "status", status_beat(new), context.clock.monotonic())
    _note(context, (new or old or Node()).metadata.name, new)


def _note(context: Context, name: str, node: Node | None) -> None:
    """What becomes of those that fail depends on how the others are."""
    if context.memory(Pace).note(name, node):
        for other in context.cache(NODES, Node).list():
            if failure(other):
                context.enqueue(other.metadata.name)


def nobody(_obj: Object) -> Iterable[str]:
    """For a `Watch` that only fills its cache."""
    return ()


CONTROLLER = Controller(
    name="node-lifecycle-controller",
    queue="node_lifecycle_controller",
    source="node-controller",
    watches=(
        Watch(NODES, Node, observe=heard_status),
        Watch(LEASES, Lease, nobody, observe=heard_lease, field_selector=f"metadata.namespace={LEASE_NAMESPACE}"),
        Watch(PODS, Pod, nobody, indexes={BY_NODE: by_node}),
    ),
    reconcile=reconcile,
    account="node-controller",
    may={
        "nodes": "patch",
        "nodes/status": "patch",
        "pods/status": "patch",
        "events": "create patch",
    },
)
