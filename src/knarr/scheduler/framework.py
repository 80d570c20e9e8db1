"""The scheduling framework: what a plugin is, and how plugins together choose a node for a Pod.

A plugin looks at the Pod once and gives back a check (or a score) for nodes, or nothing where the Pod does not concern
it; so what depends on the Pod alone is worked out once, however many nodes there are. A refusal is a value with a
reason: reasons are counted and told to the user. https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-
framework/
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.objects import Pod

BEST = 100  # the highest score that a plugin gives a node


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node cannot take a Pod. `plugin` is filled in by the framework."""

    reasons: tuple[str, ...]


Check = Callable[[NodeInfo], Refusal | None]
Score = Callable[[NodeInfo], int]
Normalise = Callable[[Mapping[str, int]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One concern of placing Pods. `wakes` names the events that may make a refused Pod fit (queue.EVENTS)."""

    name: str
    filter: Callable[[Pod], Check | None] | None = None
    score: Callable[[Pod], Score | None] | None = None
    weight: int = 1
    reversed: bool = False  # a high score is bad: scores are counts of what speaks against a node
    scaled: bool = False  # scores are counts, to be scaled so that the highest is BEST
    wakes: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Placement:
    """What became of a Pod: a node, or the reasons of all nodes with the plugins that gave them."""

    node: str = ""
    nodes: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    refusers: frozenset[str] = frozenset()

    @property
    def message(self) -> str:
        """Upstream's words: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).`"""
        if not self.nodes:
            return "no nodes available to schedule pods"
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in self.reasons.items()))
        return f"0/{self.nodes} nodes are available: {listed}."


def place(pod: Pod, nodes: Sequence[NodeInfo], plugins: Iterable[Plugin], draw: random.Random) -> Placement:
    """The best of the nodes that no plugin refuses; among equals, any."""
    plugins = tuple(plugins)
    feasible, reasons, refusers = _feasible(pod, nodes, plugins)
    if not feasible:
        return Placement("", len(nodes), reasons, frozenset(refusers))
    if len(feasible) == 1:
        return Placement(feasible[0].name, len(nodes))
    totals = _scores(pod, feasible, plugins)
    best = max(totals.values())
    return Placement(draw.choice([name for name, total in totals.items() if total == best]), len(nodes))


def enough(nodes: int) -> int:
    """How many feasible nodes are worth finding: all up to 100, then a falling share, as upstream's default does."""
    if nodes <= 100:
        return nodes
    percent = max(5, 50 - nodes // 125)
    return max(100, nodes * percent // 100)


def _feasible(
    pod: Pod, nodes: Sequence[NodeInfo], plugins: Sequence[Plugin]
) -> tuple[list[NodeInfo], Counter[str], set[str]]:
    checks = [(plugin.name, check) for plugin in plugins if plugin.filter and (check := plugin.filter(pod))]
    wanted = enough(len(nodes))
    feasible: list[NodeInfo] = []
    reasons: Counter[str] = Counter()
    refusers: set[str] = set()
    for node in nodes:
        for name, check in checks:
            if refusal := check(node):
                reasons.update(refusal.reasons)
                refusers.add(name)
                break
        else:
            feasible.append(node)
            if len(feasible) >= wanted:
                break
    return feasible, reasons, refusers


def _scores(pod: Pod, nodes: Sequence[NodeInfo], plugins: Sequence[Plugin]) -> dict[str, int]:
    totals = dict.fromkeys((node.name for node in nodes), 0)
    for plugin in plugins:
        score = plugin.score(pod) if plugin.score else None
        if score is None:
            continue
        for name, points in _normalised(plugin, {node.name: score(node) for node in nodes}).items():
            totals[name] += plugin.weight * points
    return totals


def _normalised(plugin: Plugin, scores: dict[str, int]) -> dict[str, int]:
    """Scores on one scale, from 0 to BEST."""
    if not plugin.scaled:
        return scores
    highest = max(scores.values())
    scaled = {name: BEST * score // highest if highest else 0 for name, score in scores.items()}
    return {name: BEST - score for name, score in scaled.items()} if plugin.reversed else scaled
