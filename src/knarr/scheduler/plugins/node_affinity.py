"""NodeAffinity: nodeSelector and the required terms of nodeAffinity rule nodes out, preferred terms speak for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from knarr.machinery.selectors import SelectorError, from_node_expressions
from knarr.scheduler.framework import Check, Plugin, Reasons, Score
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand

MISMATCH = ("node(s) didn't match Pod's node affinity/selector",)

Matches = Callable[[NodeInfo], bool]


def only(demand: Demand) -> Collection[str] | None:
    """The nodes that each required term names, as DaemonSets have it; nothing if one of them leaves it open."""
    named = [_named(term) for term in _required(demand) or ()]
    return frozenset().union(*(names for names in named if names)) if named and all(named) else None


def check(demand: Demand) -> Check | None:
    wanted = demand.node_selector.items()
    required = _required(demand)
    if not wanted and required is None:
        return None
    terms = None if required is None else [term(each) for each in required]

    def on(node: NodeInfo) -> Reasons:
        if wanted <= node.labels.items() and (terms is None or any(matches(node) for matches in terms)):
            return ()
        return MISMATCH

    return on


def score(demand: Demand) -> Score | None:
    preferred = demand.node_affinity.preferred_during_scheduling_ignored_during_execution
    if not preferred:
        return None
    weighed = [(int(each.get("weight", 0)), term(each.get("preference") or {})) for each in preferred]
    return lambda node: sum(weight for weight, matches in weighed if matches(node))


def term(written: Mapping[str, Any]) -> Matches:
    """A NodeSelectorTerm as a predicate; an empty or a faulty one matches nothing."""
    expressions, fields = written.get("matchExpressions") or (), written.get("matchFields") or ()
    try:
        labels = from_node_expressions(expressions)
    except SelectorError:
        return lambda _: False
    if not expressions and not fields:
        return lambda _: False
    named = [_field(each) for each in fields]
    return lambda node: labels.matches(node.labels) and all(matches(node) for matches in named)


def _field(written: Mapping[str, Any]) -> Matches:
    """A requirement on a field; nodes have one that can be asked for, their name."""
    names, operator = written.get("values") or (), written.get("operator")
    if written.get("key") != "metadata.name" or operator not in ("In", "NotIn"):
        return lambda _: False
    return lambda node: (node.name in names) == (operator == "In")


def _named(written: Mapping[str, Any]) -> set[str]:
    """The names that a term allows; none if it does not say."""
    lists = [set(each.get("values") or ()) for each in written.get("matchFields") or () if each.get("operator") == "In"]
    return set.intersection(*lists) if lists else set()


def _required(demand: Demand) -> Sequence[Mapping[str, Any]] | None:
    required = demand.node_affinity.required_during_scheduling_ignored_during_execution
    return None if required is None else required.get("nodeSelectorTerms") or ()


PLUGIN = Plugin("NodeAffinity", only=only, filter=check, score=score, weight=2, scaled=True)
