"""TaintToleration: tainted nodes take only Pods that tolerate their taints; PreferNoSchedule speaks against a node.

The operators Gt and Lt of tolerations are alpha in 1.36, and off: they tolerate nothing.
"""

from __future__ import annotations

from knarr.scheduler.framework import Check, Plugin, Reasons, Score
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.objects import NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE, Taint
from knarr.scheduler.pods import Demand

UNTOLERATED = ("node(s) had untolerated taint(s)",)


def check(demand: Demand) -> Check:
    def on(node: NodeInfo) -> Reasons:
        return UNTOLERATED if node.taints and _untolerated(demand, node, NO_SCHEDULE, NO_EXECUTE) else ()

    return on


def score(demand: Demand) -> Score:
    return lambda node: len(_untolerated(demand, node, PREFER_NO_SCHEDULE)) if node.taints else 0


def _untolerated(demand: Demand, node: NodeInfo, *effects: str) -> list[Taint]:
    tolerations = demand.tolerations
    return [
        taint
        for taint in node.taints
        if taint.effect in effects and not any(toleration.tolerates(taint) for toleration in tolerations)
    ]


PLUGIN = Plugin("TaintToleration", filter=check, score=score, weight=3, scaled=True, reversed=True)
