"""The scheduling framework: what a plugin is, and how plugins together choose a node for a Pod.

A plugin looks at the Pod once and gives back a check (or a score) for nodes, or nothing where the Pod does not concern
it; so what depends on the Pod alone is worked out once, however many nodes there are. A refusal is a value, the reasons
for it: they are counted and told to the user.
https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import PodInfo

log = logging.getLogger(__name__)

BEST = 100  # the highest score that a plugin gives a node

Reasons = Sequence[str]
Check = Callable[[NodeInfo], Reasons]  # why the node cannot take the Pod; nothing if it can
Score = Callable[[NodeInfo], int]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One concern of placing Pods; what it says of a node may depend on that node and its Pods alone."""

    name: str
    only: Callable[[PodInfo], Collection[str] | None] | None = None  # names of the only nodes worth checking
    filter: Callable[[PodInfo], Check | None] | None = None
    score: Callable[[PodInfo], Score | None] | None = None
    weight: int = 1
    scaled: bool = False  # scores are counts, to be scaled so that the highest is BEST
    reversed: bool = False  # scaled, and a high count speaks against a node


class Checks:
    """What the plugins ask of nodes on behalf of one Pod."""

    def __init__(self, pod: PodInfo, plugins: Sequence[Plugin]) -> None:
        self._key = pod.pod.metadata.key
        self.limits = {p.name: names for p in plugins if p.only and (names := p.only(pod)) is not None}
        self._checks = [check for p in plugins if p.filter and (check := p.filter(pod))]

    def refuse(self, node: NodeInfo) -> Reasons:
        """The reasons of the first plugin that cannot have the Pod on this node."""
        for check in self._checks:
            if reasons := check(node):
                return reasons
        return ()

    def names(self, node: NodeInfo) -> bool:
        """Whether the node is one of the only ones worth checking."""
        return all(node.name in names for names in self.limits.values())

    def fit(self, node: NodeInfo) -> bool:
        """Whether this node would take the Pod as things are; if a plugin stumbles, that is for `place` to say."""
        try:
            return node.exists and self.names(node) and not self.refuse(node)
        except Exception:
            log.exception("%s could not be held against %s", self._key, node.name)
            return True


@dataclass(frozen=True, slots=True)
class Placement:
    """What became of a Pod: a node, or the reasons of all nodes and how to tell when one of them fits after all."""

    node: str
    nodes: int  # that there are
    searched: int  # of them, until enough were found
    reasons: Mapping[str, int]
    fits: Callable[[NodeInfo], bool]

    @property
    def message(self) -> str:
        """Upstream's words: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`

        Upstream goes on with what became of preemption; nothing is preempted here, so there is nothing to say.
        """
        if not self.nodes:
            return "no nodes available to schedule pods"
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in self.reasons.items()))
        return f"0/{self.nodes} nodes are available: {listed}."


def place(pod: PodInfo, nodes: Sequence[NodeInfo], plugins: Sequence[Plugin], draw: random.Random) -> Placement:
    """The best of the nodes that no plugin refuses; among equals, any."""
    checks = Checks(pod, plugins)
    reasons: Counter[str] = Counter()
    worthwhile = _narrowed(checks, nodes, reasons)
    feasible, searched = _feasible(checks, worthwhile, reasons)
    node = _best(pod, feasible, plugins, draw).name if feasible else ""
    return Placement(node, len(nodes), searched, reasons, checks.fit)


def enough(nodes: int) -> int:
    """How many feasible nodes are worth finding: all up to 100, then a falling share, as upstream's default does."""
    if nodes <= 100:
        return nodes
    percent = max(5, 50 - nodes // 125)
    return max(100, nodes * percent // 100)


def _narrowed(checks: Checks, nodes: Sequence[NodeInfo], reasons: Counter[str]) -> Sequence[NodeInfo]:
    if not checks.limits:
        return nodes
    left = [node for node in nodes if checks.names(node)]
    if others := len(nodes) - len(left):
        reasons[f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(checks.limits))}]"] = others
    return left


def _feasible(checks: Checks, nodes: Sequence[NodeInfo], reasons: Counter[str]) -> tuple[list[NodeInfo], int]:
    """Enough nodes that take the Pod, and how many were looked at to find them."""
    wanted, feasible = enough(len(nodes)), []
    for count, node in enumerate(nodes, 1):
        if refusal := checks.refuse(node):
            reasons.update(refusal)
            continue
        feasible.append(node)
        if len(feasible) == wanted:
            return feasible, count
    return feasible, len(nodes)


def _best(pod: PodInfo, nodes: Sequence[NodeInfo], plugins: Sequence[Plugin], draw: random.Random) -> NodeInfo:
    if len(nodes) == 1:
        return nodes[0]
    totals = [0] * len(nodes)
    for plugin in plugins:
        if plugin.score and (score := plugin.score(pod)):
            points = _normalised(plugin, [score(node) for node in nodes])
            totals = [total + plugin.weight * more for total, more in zip(totals, points, strict=True)]
    best = max(totals)
    return draw.choice([node for node, total in zip(nodes, totals, strict=True) if total == best])


def _normalised(plugin: Plugin, scores: list[int]) -> list[int]:
    """Scores on one scale, from 0 to BEST."""
    if not plugin.scaled:
        return scores
    highest = max(scores) or 1
    scaled = [BEST * score // highest for score in scores]
    return [BEST - score for score in scaled] if plugin.reversed else scaled
