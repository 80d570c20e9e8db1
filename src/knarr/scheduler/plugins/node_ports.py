"""NodePorts: two Pods cannot have the same port of the same node."""

from __future__ import annotations

from knarr.scheduler.framework import Check, Plugin, Reasons
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import WILDCARD, Demand, HostPort

TAKEN = ("node(s) didn't have free ports for the requested pod ports",)


def check(demand: Demand) -> Check | None:
    if not demand.ports:
        return None

    def on(node: NodeInfo) -> Reasons:
        return TAKEN if any(_clash(port, used) for used in node.ports for port in demand.ports) else ()

    return on


def _clash(one: HostPort, other: HostPort) -> bool:
    """The same port of the same protocol, on the same address or on all of them."""
    return one[1:] == other[1:] and (one[0] == other[0] or WILDCARD in (one[0], other[0]))


PLUGIN = Plugin("NodePorts", filter=check)
