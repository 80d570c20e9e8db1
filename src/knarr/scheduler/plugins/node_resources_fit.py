"""NodeResourcesFit: a node takes a Pod only with room for all that it asks for; the emptier node is the better one."""

from __future__ import annotations

from knarr.scheduler.framework import BEST, Check, Plugin, Reasons, Score
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand

FULL = "Too many pods"
COMPARED = ("cpu", "memory")


def check(demand: Demand) -> Check:
    wanted = [(resource, number) for resource, number in demand.requests.items() if number > 0]

    def on(node: NodeInfo) -> Reasons:
        room, used = node.allocatable, node.requested
        lacking = [f"Insufficient {r}" for r, number in wanted if number > room.get(r, 0) - used.get(r, 0)]
        return [FULL, *lacking] if len(node.pods) >= room.get("pods", 0) else lacking

    return on


def score(demand: Demand) -> Score:
    """LeastAllocated: the free share that would be left, averaged over CPU and memory."""
    asked = [(resource, demand.compared[resource]) for resource in COMPARED]

    def points(node: NodeInfo) -> int:
        room, used = node.allocatable, node.compared
        total = count = 0
        for resource, number in asked:
            if limit := room.get(resource):
                total += max(0, limit - used.get(resource, 0) - number) * BEST // limit
                count += 1
        return total // count if count else 0

    return points


PLUGIN = Plugin("NodeResourcesFit", filter=check, score=score)
