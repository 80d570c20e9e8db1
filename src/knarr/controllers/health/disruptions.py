"""How fast nodes that fail may lose their Pods: one after the other, slower where much of a zone fails, and not at all
when every node does, for then it is rather the control plane that is cut off.

https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import Enum

from knarr.controllers.nodes import ZONE, Node

REGION = "topology.kubernetes.io/region"
RATE, SLOW_RATE = 0.1, 0.01  # nodes a second, in each zone
# The share of failing nodes that makes a zone unhealthy, if they are more than so many.
UNHEALTHY, UNHEALTHY_LEAST = 0.55, 2
LARGE = 50  # nodes; an unhealthy zone that is not larger loses no Pods


class ZoneState(Enum):
    NORMAL = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


def zone_of(node: Node) -> str:
    labels = node.metadata.labels
    return f"{labels.get(REGION, '')}/{labels.get(ZONE, '')}"


def state_of(ready: int, failing: int) -> ZoneState:
    """The state of a zone with so many nodes."""
    if failing and not ready:
        return ZoneState.FULL
    unhealthy = failing > UNHEALTHY_LEAST and failing / (ready + failing) >= UNHEALTHY
    return ZoneState.PARTIAL if unhealthy else ZoneState.NORMAL


def rates(nodes: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """How many nodes a second may lose their Pods, by zone; given of each node its zone, and whether it is ready."""
    zones: dict[str, list[bool]] = defaultdict(list)
    for zone, ready in nodes:
        zones[zone].append(ready)
    states = {zone: state_of(sum(ready), len(ready) - sum(ready)) for zone, ready in zones.items()}
    if all(state is ZoneState.FULL for state in states.values()):
        return dict.fromkeys(zones, 0.0)
    slow = {zone: SLOW_RATE if len(ready) > LARGE else 0.0 for zone, ready in zones.items()}
    return {zone: slow[zone] if state is ZoneState.PARTIAL else RATE for zone, state in states.items()}


class Pace:
    """When the next node of each zone may lose its Pods."""

    def __init__(self) -> None:
        self.rates: Mapping[str, float] = {}
        self._nodes: dict[str, tuple[str, bool]] = {}
        self._next: dict[str, float] = {}

    def note(self, name: str, node: Node | None) -> bool:
        """Take in how a node is, None if it is gone; whether that changes any zone's rate."""
        current = (zone_of(node), node.ready) if node and node.condition("Ready") else None
        if current == self._nodes.get(name):
            return False
        if current:
            self._nodes[name] = current
        else:
            del self._nodes[name]
        before, self.rates = self.rates, rates(self._nodes.values())
        return before != self.rates

    @property
    def stopped(self) -> bool:
        """Whether no node may lose its Pods."""
        return not any(self.rates.values())

    def take(self, zone: str, now: float) -> float | None:
        """0 if a node of the zone may go now, which is then counted; else the seconds to wait, None for no end."""
        rate = self.rates.get(zone, 0.0)
        if not rate:
            return None
        due = self._next.get(zone, now)
        if due > now:
            return due - now
        self._next[zone] = now + 1 / rate
        return 0.0
