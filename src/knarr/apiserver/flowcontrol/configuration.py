"""FlowSchemas and PriorityLevelConfigurations, read."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from knarr.api.kind import JSON
from knarr.api.paths import dig, each


@dataclass(frozen=True, slots=True)
class Queuing:
    """How requests of a level wait: shuffle-sharded over queues of a limited length."""

    queues: int = 64
    hand: int = 8
    length: int = 50


@dataclass(frozen=True, slots=True)
class Level:
    """A priority level; without `queuing` requests that find no seat are turned away."""

    name: str
    uid: str = ""
    exempt: bool = False
    shares: int = 30
    lendable: int = 0  # percent of its nominal seats
    borrowable: float = inf  # likewise
    queuing: Queuing | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A flow schema: whose requests, by `rules`, are of which level; `by` tells their flows apart."""

    name: str
    uid: str
    level: str
    precedence: int
    by: str  # "ByUser", "ByNamespace", ""
    rules: tuple[JSON, ...]


def read_level(tree: JSON) -> Level:
    """A PriorityLevelConfiguration, defaulted."""
    metadata, spec = tree["metadata"], tree.get("spec") or {}
    exempt = spec.get("type") == "Exempt"
    part = spec.get("exempt" if exempt else "limited") or {}
    percent = part.get("borrowingLimitPercent")
    return Level(
        metadata["name"],
        metadata.get("uid", ""),
        exempt=exempt,
        shares=part.get("nominalConcurrencyShares", 0 if exempt else 30),
        lendable=part.get("lendablePercent") or 0,
        borrowable=inf if percent is None else percent,
        queuing=_queuing(part.get("limitResponse") or {}),
    )


def _queuing(response: JSON) -> Queuing | None:
    if response.get("type") != "Queue":
        return None
    said, default = response.get("queuing") or {}, Queuing()
    return Queuing(
        said.get("queues") or default.queues,
        said.get("handSize") or default.hand,
        said.get("queueLengthLimit") or default.length,
    )


def read_schema(tree: JSON) -> Schema:
    """A FlowSchema, defaulted."""
    metadata, spec = tree["metadata"], tree.get("spec") or {}
    return Schema(
        metadata["name"],
        metadata.get("uid", ""),
        dig(spec, "priorityLevelConfiguration.name", ""),
        spec.get("matchingPrecedence", 1000),
        dig(spec, "distinguisherMethod.type", ""),
        tuple(each(spec, "rules")),
    )
