"""NodePorts: two Pods cannot have the same port of the same node."""

from __future__ import annotations

from knarr.scheduler.cache import WILDCARD, NodeInfo, host_ports
from knarr.scheduler.framework import Check, Plugin, Refusal
from knarr.scheduler.objects import Pod
from knarr.scheduler.queue import NODE_ADDED, POD_GONE

TAKEN = Refusal(("node(s) didn't have free ports for the requested pod ports",))


def check(pod: Pod) -> Check | None:
    wanted = host_ports(pod)
    if not wanted:
        return None

    def on(info: NodeInfo) -> Refusal | None:
        return TAKEN if any(_clash(port, used) for port in wanted for used in info.ports) else None

    return on


def _clash(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    """The same port of the same protocol, on the same address or on all of them."""
    return one[1:] == other[1:] and (one[0] == other[0] or WILDCARD in (one[0], other[0]))


PLUGIN = Plugin("NodePorts", filter=check, wakes=frozenset((NODE_ADDED, POD_GONE)))
