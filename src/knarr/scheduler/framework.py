"""The scheduling framework: what a plugin is.

A plugin looks at what a Pod asks for once and gives back a check (or a score) for nodes, or nothing where it does not
concern it; so what depends on the Pod alone is worked out once, however many nodes there are. A refusal is a value, the
reasons for it: they are counted and told to the user.
https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import Demand

BEST = 100  # the highest score that a plugin gives a node

Reasons = Sequence[str]
Check = Callable[[NodeInfo], Reasons]  # why the node cannot take the Pod; nothing if it can
Score = Callable[[NodeInfo], int]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One concern of placing Pods. What it says of a node may depend on the demand, that node and its Pods alone."""

    name: str
    only: Callable[[Demand], Collection[str] | None] | None = None  # names of the only nodes worth checking
    filter: Callable[[Demand], Check | None] | None = None
    score: Callable[[Demand], Score | None] | None = None
    weight: int = 1
    scaled: bool = False  # scores are counts, to be scaled so that the highest is BEST
    reversed: bool = False  # scaled, and a high count speaks against a node
