"""What a whole Pod asks for and may use: its containers together, or what starting them takes where that is more.

An init container runs beside the sidecars started before it (KEP-753); what is set for the Pod as a whole stands for
the sum (KEP-2837); during a resize the most of what is wanted, allocated and in force counts (KEP-1287).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.amounts import Amounts, amounts_of, largest, total

Side = Literal["requests", "limits"]

_STATUSES = ("initContainerStatuses", "containerStatuses")


def demand(pod: JSON, side: Side, *, overhead: bool = True, resizing: bool = True) -> Amounts:
    """The requests or limits of a Pod. Without `resizing`, what its spec says alone."""
    spec = pod.get("spec") or {}
    statuses: dict[str, JSON] = (
        {s.get("name", ""): s for field in _STATUSES for s in each(pod, f"status.{field}")} if resizing else {}
    )
    infeasible = bool(statuses) and _is_infeasible(pod)
    summed = _together(spec, lambda container: _amounts(container, side, statuses, infeasible=infeasible))
    summed |= {n: a for n, a in amounts_of(dig(spec, f"resources.{side}")).items() if is_pod_level(n)}
    extra = amounts_of(spec.get("overhead")) if overhead else {}
    return total(summed, {n: a for n, a in extra.items() if side == "requests" or n in summed})


def demand_of_containers(spec: JSON, side: Side) -> Amounts:
    """What a spec's containers ask for or may use together."""
    return _together(spec, lambda container: amounts_of(dig(container, f"resources.{side}")))


def has_own_resources(spec: JSON) -> bool:
    """Whether resources are set for the Pod as a whole."""
    return any(map(is_pod_level, [*dig(spec, "resources.requests", {}), *dig(spec, "resources.limits", {})]))


def _together(spec: JSON, amounts: Callable[[JSON], Amounts]) -> Amounts:
    running: Amounts = {}
    starting: Amounts = {}
    for container in each(spec, "initContainers"):
        beside = total(running, amounts(container))
        starting = largest(starting, beside)
        if container.get("restartPolicy") == "Always":
            running = beside
    for container in each(spec, "containers"):
        running = total(running, amounts(container))
    return largest(running, starting)


def _amounts(container: JSON, side: Side, statuses: JSON, *, infeasible: bool) -> Amounts:
    wanted = amounts_of(dig(container, f"resources.{side}"))
    status = statuses.get(container.get("name", ""))
    if not status or status.get("resources") is None:
        return wanted
    given = amounts_of(dig(status, f"resources.{side}"))
    if side == "requests":
        given = largest(given, amounts_of(status.get("allocatedResources")))
    return given if infeasible else largest(given, wanted)


def _is_infeasible(pod: JSON) -> bool:
    conditions = each(pod, "status.conditions")
    return any(c.get("type") == "PodResizePending" and c.get("reason") == "Infeasible" for c in conditions)


def is_pod_level(resource: str) -> bool:
    """Whether it can be set for a Pod as a whole."""
    return resource in ("cpu", "memory") or resource.startswith("hugepages-")
