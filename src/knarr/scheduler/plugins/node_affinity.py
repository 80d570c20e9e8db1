"""NodeAffinity: nodeSelector and the required terms of nodeAffinity rule nodes out, preferred terms speak for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from knarr.machinery.selectors import SelectorError, from_node_expressions
from knarr.scheduler.cache import NodeInfo
from knarr.scheduler.framework import Check, Plugin, Refusal, Score
from knarr.scheduler.objects import Node, Pod
from knarr.scheduler.queue import NODE_ADDED, NODE_CHANGED

MISMATCH = Refusal(("node(s) didn't match Pod's node affinity/selector",))

Term = Callable[[Node], bool]


def check(pod: Pod) -> Check | None:
    wanted = pod.spec.node_selector.items()
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if not wanted and required is None:
        return None
    terms = [term(each) for each in (required or {}).get("nodeSelectorTerms") or ()]

    def on(info: NodeInfo) -> Refusal | None:
        node = info.node
        fits = (
            node is not None
            and wanted <= node.metadata.labels.items()
            and (required is None or any(matches(node) for matches in terms))
        )
        return None if fits else MISMATCH

    return on


def score(pod: Pod) -> Score | None:
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    preferred = affinity.preferred_during_scheduling_ignored_during_execution if affinity else ()
    if not preferred:
        return None
    weighed = [(int(each.get("weight", 0)), term(each.get("preference") or {})) for each in preferred]

    def points(info: NodeInfo) -> int:
        node = info.node
        return sum(weight for weight, matches in weighed if matches(node)) if node else 0

    return points


def term(written: Mapping[str, Any]) -> Term:
    """A NodeSelectorTerm as a predicate; an empty or a faulty one matches nothing."""
    try:
        labels = from_node_expressions(written.get("matchExpressions") or ())
        fields = from_node_expressions(written.get("matchFields") or ())
    except SelectorError:
        return lambda _: False
    if not written.get("matchExpressions") and not written.get("matchFields"):
        return lambda _: False
    return lambda node: labels.matches(node.metadata.labels) and fields.matches({"metadata.name": node.metadata.name})


PLUGIN = Plugin(
    "NodeAffinity", filter=check, score=score, weight=2, scaled=True, wakes=frozenset((NODE_ADDED, NODE_CHANGED))
)
