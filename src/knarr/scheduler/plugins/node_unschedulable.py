"""NodeUnschedulable: cordoned nodes take only Pods that tolerate it."""

from __future__ import annotations

from knarr.scheduler.framework import Check, Plugin
from knarr.scheduler.objects import NO_SCHEDULE, Taint
from knarr.scheduler.pods import Demand

CORDONED = ("node(s) were unschedulable",)
TAINT = Taint(key="node.kubernetes.io/unschedulable", effect=NO_SCHEDULE)


def check(demand: Demand) -> Check | None:
    if any(toleration.tolerates(TAINT) for toleration in demand.tolerations):
        return None
    return lambda node: CORDONED if node.cordoned else ()


PLUGIN = Plugin("NodeUnschedulable", filter=check)
