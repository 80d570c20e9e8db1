"""What the plugins say of nodes, remembered as long as it holds.

Pods come in numbers of a kind, and of a thousand nodes only the one that got the last of them has changed since. As
plugins see nothing but demand and node, what they said of equal demands on an unchanged node stands (the idea of
KEP-5598).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from knarr.machinery.latest import Latest
from knarr.scheduler.framework import Plugin, Reasons
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand

log = logging.getLogger(__name__)

REMEMBERED = 16  # demands whose judgements are kept: about 0.2 MB each with a thousand nodes


class Checks:
    """What the plugins ask of nodes for one demand."""

    def __init__(self, demand: Demand, plugins: Sequence[Plugin]) -> None:
        self.limits = {p.name: names for p in plugins if p.only and (names := p.only(demand)) is not None}
        self._checks = [check for p in plugins if p.filter and (check := p.filter(demand))]

    def names(self, node: NodeInfo) -> bool:
        """Whether the node is one of the only ones worth checking."""
        return all(node.name in names for names in self.limits.values())

    def refuse(self, node: NodeInfo) -> Reasons:
        """The reasons of the first plugin that cannot have the Pod on this node."""
        for check in self._checks:
            if reasons := check(node):
                return reasons
        return ()

    def fit(self, node: NodeInfo) -> bool:
        """Whether this node would take the Pod as things are; if a plugin stumbles, that is for the next try to say."""
        try:
            return node.exists and self.names(node) and not self.refuse(node)
        except Exception:
            log.exception("a plugin stumbled over %s", node.name)
            return True


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of a node in one version: why it cannot take the Pod, or what speaks for it."""

    node: NodeInfo
    version: int
    reasons: Reasons
    points: int = 0  # the weighed sum of scores that stand by themselves
    counts: tuple[int, ...] = ()  # of the plugins whose scores have to be scaled


class Judge:
    """Judges nodes for one demand."""

    def __init__(self, demand: Demand, plugins: Sequence[Plugin]) -> None:
        self.checks = Checks(demand, plugins)
        scores = [(plugin, score) for plugin in plugins if plugin.score and (score := plugin.score(demand))]
        self.scaling = [plugin for plugin, _ in scores if plugin.scaled]
        self._counts = [score for plugin, score in scores if plugin.scaled]
        self._points = [(plugin.weight, score) for plugin, score in scores if not plugin.scaled]
        self._known: dict[str, Judgement] = {}

    def judge(self, node: NodeInfo) -> Judgement:
        known = self._known.get(node.name)
        if known is None or known.version != node.version:
            known = self._known[node.name] = self._look(node)
        return known

    def _look(self, node: NodeInfo) -> Judgement:
        if reasons := self.checks.refuse(node):
            return Judgement(node, node.version, reasons)
        points = sum(weight * score(node) for weight, score in self._points)
        return Judgement(node, node.version, (), points, tuple(score(node) for score in self._counts))


class Judges:
    """A judge for each demand; those of the latest ones are kept."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = plugins
        self._judges: Latest[bytes, Judge] = Latest(REMEMBERED)

    def of(self, demand: Demand) -> Judge:
        return self._judges.of(msgspec.msgpack.encode(demand), lambda: Judge(demand, self._plugins))
