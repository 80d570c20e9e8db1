"""Pods that no kubelet will ever clean up: of nodes that are gone, deleted before they were bound, on nodes said to be
out of service; and ended ones, when there are too many.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import Object
from knarr.client.resources import NODES, PODS
from knarr.controllers.departures import disrupt, remove
from knarr.controllers.nodes import BY_NODE, Node, by_node, pods_on
from knarr.controllers.objects import Pod
from knarr.machinery.errors import NotFound
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

BY_END = "ended"
SETTING, THRESHOLD = "terminated-pod-gc-threshold", 12500  # ended Pods that may stay; 0 for all
QUARANTINE = 40.0  # seconds for which a node must have been missing
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class Missing(dict[str, float]):
    """Since when, by the monotonic clock, each node that Pods are bound to has been missing."""


async def reconcile(context: Context, key: str) -> After | None:
    """Delete the Pod, or others that have ended longer ago, if that is due."""
    pod = context.cache(PODS, Pod).get(key)
    if pod is None:
        return None
    if pod.terminal:
        await _thin_out(context)
    node = context.cache(NODES, Node).get(pod.spec.node_name)
    if node is not None:
        context.memory(Missing).pop(pod.spec.node_name, None)
    if not pod.spec.node_name:
        if pod.metadata.deletion_timestamp is not None:
            await _end(context, pod)
    elif node is None:
        return await _orphaned(context, pod)
    elif pod.metadata.deletion_timestamp is not None and _out_of_service(node):
        await _end(context, pod, "DeletionByPodGC", "PodGC: node out-of-service")
    return None


async def _orphaned(context: Context, pod: Pod) -> After | None:
    """Wait, ask the API, and only then believe that the node is gone."""
    node, now = pod.spec.node_name, context.clock.monotonic()
    left = context.memory(Missing).setdefault(node, now) + QUARANTINE - now
    if left > 0:
        return After(left)
    try:
        await context.client.get(NODES, node, view=Object)
    except NotFound:
        await _end(context, pod, "DeletionByPodGC", "PodGC: node no longer exists")
    return None


async def _end(context: Context, pod: Pod, reason: str = "", message: str = "") -> None:
    """Mark as failed what had not ended, and delete at once."""
    if reason and not pod.terminal:
        await disrupt(context, pod, reason, message, phase="Failed")
    await remove(context, pod, grace=0)


async def _thin_out(context: Context) -> None:
    """Delete the oldest of the ended Pods that are too many, evicted ones first."""
    ended = context.cache(PODS, Pod).by_index(BY_END, "yes")
    threshold = int(context.settings.get(SETTING, THRESHOLD))
    surplus = len(ended) - threshold
    if threshold > 0 and surplus > 0:
        for pod in sorted(ended, key=_age)[:surplus]:
            await remove(context, pod, grace=0)


def _age(pod: Pod) -> tuple[bool, str, str]:
    return pod.status.reason != "Evicted", pod.metadata.creation_timestamp or "", pod.metadata.name


def _out_of_service(node: Node) -> bool:
    return not node.ready and any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints)


def by_end(pod: Pod) -> Iterable[str]:
    """The index BY_END: "yes" for those that have ended."""
    return ("yes",) if pod.terminal else ()


def pod_matters(old: Pod, new: Pod) -> bool:
    return _case(old) != _case(new)


def _case(pod: Pod) -> tuple[object, ...]:
    return pod.metadata.uid, pod.metadata.deletion_timestamp, pod.spec.node_name, pod.terminal


def node_matters(old: Node, new: Node) -> bool:
    return _out_of_service(old) != _out_of_service(new)


CONTROLLER = Controller(
    name="pod-garbage-collector-controller",
    queue="orphaned_pods_nodes",
    watches=(
        Watch(PODS, Pod, matters=pod_matters, indexes={BY_NODE: by_node, BY_END: by_end}),
        Watch(NODES, Node, pods_on, needs_context=True, matters=node_matters),
    ),
    reconcile=reconcile,
    account="pod-garbage-collector",
    may={"nodes": "get", "pods": "delete", "pods/status": "patch"},
)
