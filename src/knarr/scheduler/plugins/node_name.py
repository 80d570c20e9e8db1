"""NodeName: a Pod that names its node goes nowhere else."""

from __future__ import annotations

from knarr.scheduler.framework import Check, Plugin
from knarr.scheduler.pods import Demand

WRONG = ("node(s) didn't match the requested node name",)


def check(demand: Demand) -> Check | None:
    wanted = demand.node_name
    return (lambda node: () if node.name == wanted else WRONG) if wanted else None


PLUGIN = Plugin("NodeName", filter=check)
