"""Choosing a node: the best of those that no plugin refuses."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from knarr.scheduler.framework import BEST, Plugin
from knarr.scheduler.judging import Checks, Judge, Judgement
from knarr.scheduler.nodes import NodeInfo


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


def place(nodes: Sequence[NodeInfo], judge: Judge, draw: random.Random) -> Placement:
    """The best of the nodes that no plugin refuses; among equals, any."""
    reasons: Counter[str] = Counter()
    worthwhile = _narrowed(nodes, judge.checks, reasons)
    feasible, searched = _feasible(worthwhile, judge, reasons)
    node = _best(feasible, judge.scaling, draw).name if feasible else ""
    return Placement(node, len(nodes), searched, reasons, judge.checks.fit)


def enough(nodes: int) -> int:
    """How many feasible nodes are worth finding: all up to 100, then a falling share, as upstream's default does."""
    if nodes <= 100:
        return nodes
    percent = max(5, 50 - nodes // 125)
    return max(100, nodes * percent // 100)


def _narrowed(nodes: Sequence[NodeInfo], checks: Checks, reasons: Counter[str]) -> Sequence[NodeInfo]:
    if not checks.limits:
        return nodes
    left = [node for node in nodes if checks.names(node)]
    if others := len(nodes) - len(left):
        reasons[f"node(s) didn't satisfy plugin(s) [{' '.join(sorted(checks.limits))}]"] = others
    return left


def _feasible(nodes: Sequence[NodeInfo], judge: Judge, reasons: Counter[str]) -> tuple[list[Judgement], int]:
    """Enough nodes that take the Pod, and how many were looked at to find them."""
    wanted, feasible = enough(len(nodes)), []
    for count, node in enumerate(nodes, 1):
        judgement = judge.judge(node)
        if judgement.reasons:
            reasons.update(judgement.reasons)
            continue
        feasible.append(judgement)
        if len(feasible) == wanted:
            return feasible, count
    return feasible, len(nodes)


def _best(feasible: Sequence[Judgement], scaling: Sequence[Plugin], draw: random.Random) -> NodeInfo:
    totals = [judgement.points for judgement in feasible]
    for index, plugin in enumerate(scaling):
        counts = [judgement.counts[index] for judgement in feasible]
        if any(counts):  # otherwise all are alike to this plugin
            totals = [total + more for total, more in zip(totals, _scaled(plugin, counts), strict=True)]
    best = max(totals)
    return draw.choice([one.node for one, total in zip(feasible, totals, strict=True) if total == best])


def _scaled(plugin: Plugin, counts: Sequence[int]) -> list[int]:
    """Counts on the scale of all scores, from 0 to BEST, with the plugin's weight."""
    highest = max(counts)
    scaled = (BEST * count // highest for count in counts)
    return [plugin.weight * (BEST - points if plugin.reversed else points) for points in scaled]
