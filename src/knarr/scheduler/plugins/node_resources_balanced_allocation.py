"""NodeResourcesBalancedAllocation: better a node whose CPU and memory the Pod brings to be used alike."""

from __future__ import annotations

from knarr.scheduler.framework import BEST, Plugin, Score
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand

HALF = BEST // 2


def score(demand: Demand) -> Score | None:
    """How much more even the use of the node becomes by the Pod; nothing for a Pod that asks for neither."""
    cpu, memory = demand.requests.get("cpu", 0), demand.requests.get("memory", 0)
    if not cpu and not memory:
        return None

    def points(node: NodeInfo) -> int:
        return HALF + (HALF + _evenness(node, cpu, memory) - _evenness(node, 0, 0)) // 2

    return points


def _evenness(node: NodeInfo, cpu: int, memory: int) -> int:
    """BEST less the standard deviation of the shares in use, with so much more of both."""
    room, used = node.allocatable, node.requested
    limits = room.get("cpu", 0), room.get("memory", 0)
    if not all(limits):
        return BEST  # of one share alone there is no deviation
    one = min(1.0, (used.get("cpu", 0) + cpu) / limits[0])
    other = min(1.0, (used.get("memory", 0) + memory) / limits[1])
    return int((1 - abs(one - other) / 2) * BEST)


PLUGIN = Plugin("NodeResourcesBalancedAllocation", score=score)
