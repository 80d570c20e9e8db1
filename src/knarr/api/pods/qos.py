"""Quality of service: who is evicted first (docs: "Pod Quality of Service Classes")."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.quantity import parse

_COMPUTE = ("cpu", "memory")


def qos_class(spec: JSON) -> str:
    """BestEffort when nobody asks for cpu or memory, Guaranteed when all have limits equal to requests, else Burstable.

    Resources of the whole Pod, where given, decide alone (KEP-2837).
    """
    if any(_amounts(spec, side) for side in ("requests", "limits")):
        return _of([spec])
    return _of(each(spec, "initContainers") + each(spec, "containers"))


def _of(holders: Iterable[JSON]) -> str:
    pairs = [(_amounts(holder, "requests"), _amounts(holder, "limits")) for holder in holders]
    if not any(requests or limits for requests, limits in pairs):
        return "BestEffort"
    guaranteed = all(set(limits) == set(_COMPUTE) and requests == limits for requests, limits in pairs)
    return "Guaranteed" if guaranteed else "Burstable"


def _amounts(holder: JSON, side: str) -> JSON:
    amounts = (holder.get("resources") or {}).get(side) or {}
    parsed = {name: parse(amounts[name]).nano for name in _COMPUTE if name in amounts}
    return {name: amount for name, amount in parsed.items() if amount > 0}
