"""The effects that kinds may name, in the order in which they are planned."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import Kind
from knarr.apiserver.effects import cluster_ips, node_ports
from knarr.apiserver.effects.effect import Effect

EFFECTS: tuple[Effect, ...] = (cluster_ips.EFFECT, node_ports.EFFECT)


def effects_of(kind: Kind) -> Iterable[Effect]:
    """The effects that a kind's writes have; most have none."""
    return [effect for effect in EFFECTS if effect.name in kind.effects] if kind.effects else ()
