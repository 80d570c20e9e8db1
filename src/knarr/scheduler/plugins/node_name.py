"""NodeName: a Pod that names its node goes nowhere else."""

from __future__ import annotations

from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.framework import Check, Plugin, Refusal
from knarr.scheduler.objects import Pod
from knarr.scheduler.queue import NODE_ADDED

WRONG = Refusal(("node(s) didn't match the requested node name",))


def check(pod: Pod) -> Check | None:
    wanted = pod.spec.node_name
    if not wanted:
        return None

    def on(node: NodeInfo) -> Refusal | None:
        return None if node.name == wanted else WRONG

    return on


PLUGIN = Plugin("NodeName", filter=check, wakes=frozenset((NODE_ADDED,)))
