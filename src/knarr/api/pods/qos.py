"""Quality of service: who is evicted first (docs: "Pod Quality of Service Classes")."""

from __future__ import annotations

from collections.abc import Sequence

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.machinery.quantity import parse
from knarr.machinery.remembering import Remembered

_COMPUTE = ("cpu", "memory")


def qos_class(spec: JSON) -> str:
    """BestEffort when nobody asks for cpu or memory, Guaranteed when all have limits equal to requests, else Burstable.

    Resources of the whole Pod, where given, decide alone (KEP-2837).
    """
    if any(_amounts(spec.get("resources"), side) for side in ("requests", "limits")):
        return _of([spec.get("resources")])
    return _of([holder.get("resources") for holder in each(spec, "initContainers") + each(spec, "containers")])


@Remembered
def _of(resources: Sequence[JSON | None]) -> str:
    pairs = [(_amounts(wanted, "requests"), _amounts(wanted, "limits")) for wanted in resources]
    if not any(requests or limits for requests, limits in pairs):
        return "BestEffort"
    guaranteed = all(set(limits) == set(_COMPUTE) and requests == limits for requests, limits in pairs)
    return "Guaranteed" if guaranteed else "Burstable"


def _amounts(wanted: JSON | None, side: str) -> JSON:
    amounts = (wanted or {}).get(side) or {}
    parsed = {name: parse(amounts[name]).nano for name in _COMPUTE if name in amounts}
    return {name: amount for name, amount in parsed.items() if amount > 0}
