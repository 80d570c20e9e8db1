"""NodeResourcesFit: a node takes a Pod only with room for all that it asks for; the emptier node is the better one."""

from __future__ import annotations

from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.framework import BEST, Check, Plugin, Refusal, Score
from knarr.scheduler.objects import Pod, compared_requests_of, requests_of
from knarr.scheduler.queue import NODE_ADDED, NODE_CHANGED, POD_GONE

COMPARED = ("cpu", "memory")


def check(pod: Pod) -> Check:
    wanted = [(resource, number) for resource, number in requests_of(pod).items() if number > 0]

    def on(info: NodeInfo) -> Refusal | None:
        room, used = info.allocatable, info.requested
        lacking = []
        if len(info.pods) >= room.get("pods", 0):
            lacking.append("Too many pods")
        for resource, number in wanted:
            if number > room.get(resource, 0) - used.get(resource, 0):
                lacking.append(f"Insufficient {resource}")
        return Refusal(tuple(lacking)) if lacking else None

    return on


def score(pod: Pod) -> Score:
    """LeastAllocated: the free share that would be left, averaged over CPU and memory."""
    asked = compared_requests_of(pod)

    def points(info: NodeInfo) -> int:
        shares = [
            max(0, room - info.compared.get(resource, 0) - asked.get(resource, 0)) * BEST // room
            for resource in COMPARED
            if (room := info.allocatable.get(resource, 0))
        ]
        return sum(shares) // len(shares) if shares else 0

    return points


PLUGIN = Plugin("NodeResourcesFit", filter=check, score=score, wakes=frozenset((NODE_ADDED, NODE_CHANGED, POD_GONE)))
