"""TaintToleration: tainted nodes take only Pods that tolerate their taints; PreferNoSchedule speaks against a node."""

from __future__ import annotations

from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.framework import Check, Plugin, Refusal, Score
from knarr.scheduler.objects import Pod, Taint
from knarr.scheduler.queue import NODE_ADDED, NODE_CHANGED

FORBIDDING = ("NoSchedule", "NoExecute")


def check(pod: Pod) -> Check:
    def on(info: NodeInfo) -> Refusal | None:
        for taint in _taints(info):
            if taint.effect in FORBIDDING and not _tolerates(pod, taint):
                return Refusal((f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}",))
        return None

    return on


def score(pod: Pod) -> Score:
    def count(info: NodeInfo) -> int:
        return sum(taint.effect == "PreferNoSchedule" and not _tolerates(pod, taint) for taint in _taints(info))

    return count


def _taints(info: NodeInfo) -> tuple[Taint, ...]:
    return info.node.spec.taints if info.node else ()


def _tolerates(pod: Pod, taint: Taint) -> bool:
    return any(toleration.tolerates(taint) for toleration in pod.spec.tolerations)


PLUGIN = Plugin(
    "TaintToleration",
    filter=check,
    score=score,
    weight=3,
    reversed=True,
    scaled=True,
    wakes=frozenset((NODE_ADDED, NODE_CHANGED)),
)
