"""Pods leave nodes with NoExecute taints that they do not tolerate, or when they have tolerated them for long enough.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from knarr.client.resources import NODES, PODS
from knarr.controllers.departures import disrupt, remove
from knarr.controllers.nodes import BY_NODE, Node, Taint, by_node, pods_on, tolerates
from knarr.controllers.objects import Pod, Toleration
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

NAME = "taint-eviction-controller"
REASON = "TaintManagerEviction"


class Doomed(dict[str, float]):
    """Since when, by the monotonic clock, each Pod has been about to leave, by uid."""


async def reconcile(context: Context, key: str) -> After | None:
    """Delete the Pod when its time has come."""
    pod = context.cache(PODS, Pod).get(key)
    if pod is None:
        return None
    doomed, uid = context.memory(Doomed), pod.metadata.uid
    node = context.cache(NODES, Node).get(pod.spec.node_name)
    patience = tolerated_for(node.spec.taints if node else (), pod.spec.tolerations)
    if patience is None or pod.metadata.deletion_timestamp is not None:
        if doomed.pop(uid, None) is not None and pod.metadata.deletion_timestamp is None:
            context.events.event(pod, "Normal", REASON, f"Cancelling deletion of Pod {key}")
        return None
    left = doomed.setdefault(uid, context.clock.monotonic()) + patience - context.clock.monotonic()
    if left > 0:
        return After(left)
    context.events.event(pod, "Normal", REASON, f"Marking for deletion Pod {key}")
    await disrupt(context, pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
    await remove(context, pod)
    del doomed[uid]
    return None


def tolerated_for(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> float | None:
    """Seconds that a Pod with these tolerations may stay; None for ever."""
    shortest: float | None = None
    for taint in (t for t in taints if t.effect == "NoExecute"):
        toleration = next((t for t in tolerations if tolerates(t, taint)), None)
        if toleration is None:
            return 0.0
        if toleration.toleration_seconds is not None:
            seconds = max(0.0, float(toleration.toleration_seconds))
            shortest = seconds if shortest is None else min(shortest, seconds)
    return shortest


def forget(context: Context, old: Pod | None, new: Pod | None) -> None:
    if new is None and old is not None:
        context.memory(Doomed).pop(old.metadata.uid, None)


def pod_matters(old: Pod, new: Pod) -> bool:
    return _case(old) != _case(new)


def _case(pod: Pod) -> tuple[object, ...]:
    return pod.metadata.uid, pod.metadata.deletion_timestamp, pod.spec.node_name, pod.spec.tolerations


CONTROLLER = Controller(
    name=NAME,
    queue="noexec_taint_pod",
    source=NAME,
    watches=(
        Watch(PODS, Pod, observe=forget, matters=pod_matters, indexes={BY_NODE: by_node}),
        Watch(
            NODES, Node, pods_on, needs_context=True, matters=lambda old, new: bool(old.spec.taints != new.spec.taints)
        ),
    ),
    reconcile=reconcile,
    account="node-controller",
    workers=8,
    may={
        "pods": "delete",
        "pods/status": "patch",
        "events": "create patch",
    },
)
