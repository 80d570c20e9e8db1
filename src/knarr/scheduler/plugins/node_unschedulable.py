"""NodeUnschedulable: cordoned nodes take only Pods that tolerate it."""

from __future__ import annotations

from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.framework import Check, Plugin, Refusal
from knarr.scheduler.objects import Pod, Taint
from knarr.scheduler.queue import NODE_ADDED, NODE_CHANGED

CORDONED = Refusal(("node(s) were unschedulable",))
TAINT = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


def check(pod: Pod) -> Check | None:
    if any(toleration.tolerates(TAINT) for toleration in pod.spec.tolerations):
        return None

    def on(info: NodeInfo) -> Refusal | None:
        return CORDONED if info.node and info.node.spec.unschedulable else None

    return on


PLUGIN = Plugin("NodeUnschedulable", filter=check, wakes=frozenset((NODE_ADDED, NODE_CHANGED)))
