"""Pods: their number, and what they ask for and may use until they have ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.demand import demand, has_own_resources
from knarr.api.pods.qos import qos_class
from knarr.api.quota.evaluator import COUNT, ONE, Evaluator
from knarr.api.quota.scopes import selects
from knarr.machinery.amounts import Amounts, amounts_of
from knarr.machinery.times import parse_time

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_REQUESTS, _LIMITS, _HUGE = "requests.", "limits.", "hugepages-"
_TRACKED = frozenset(
    {"pods", f"{COUNT}pods", *_STANDARD, *(f"{side}{n}" for side in (_REQUESTS, _LIMITS) for n in _STANDARD)}
)
# Every container must specify these where they have a quota; later resources were spared that.
_DEMANDED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})


def _tracks(name: str) -> bool:
    if name in _TRACKED or name.startswith((_HUGE, f"{_REQUESTS}{_HUGE}")):
        return True
    return name.startswith(_REQUESTS) and _is_extended(name.removeprefix(_REQUESTS))


def _is_extended(resource: str) -> bool:
    """Whether it is a resource of somebody else's: no name of Kubernetes' own."""
    return "/" in resource and "kubernetes.io/" not in resource


def _usage(pod: JSON, now: datetime | None) -> Amounts:
    counted = {f"{COUNT}pods": ONE}
    if not _holds_resources(pod, now):
        return counted
    return {**counted, "pods": ONE, **_compute(demand(pod, "requests"), demand(pod, "limits"))}


def _holds_resources(pod: JSON, now: datetime | None) -> bool:
    """Not when it has ended, nor when it should be gone and only its node has not said so."""
    if dig(pod, "status.phase") in ("Succeeded", "Failed"):
        return False
    metadata = pod["metadata"]
    deletion, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    if now is None or deletion is None or grace is None:
        return True
    return now <= parse_time(deletion) + timedelta(seconds=grace)


def _compute(requests: Amounts, limits: Amounts) -> Amounts:
    used = {f"{_LIMITS}{name}": limits[name] for name in _STANDARD if name in limits}
    for name, amount in requests.items():
        if name in _STANDARD or name.startswith(_HUGE):
            used[name] = amount
        if name in _STANDARD or name.startswith(_HUGE) or _is_extended(name):
            used[f"{_REQUESTS}{name}"] = amount
    return used


def _lacking(names: Collection[str], pod: JSON) -> str:
    """What is missing, with the containers that lack it: `limits.cpu for: a,b; requests.memory for: b`."""
    spec, demanded = pod["spec"], sorted(_DEMANDED.intersection(names))
    if not demanded or has_own_resources(spec):
        return ""
    missing: dict[str, set[str]] = {}
    for container in (*each(spec, "containers"), *each(spec, "initContainers")):
        resources = container.get("resources") or {}
        has = _compute(amounts_of(resources.get("requests")), amounts_of(resources.get("limits")))
        for name in demanded:
            if name not in has:
                missing.setdefault(name, set()).add(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in demanded if name in missing)


def _in_scope(requirement: JSON, pod: JSON) -> bool:
    spec = pod["spec"]
    match requirement.get("scopeName"):
        case "Terminating":
            return _has_deadline(spec)
        case "NotTerminating":
            return not _has_deadline(spec)
        case "BestEffort":
            return qos_class(spec) == "BestEffort"
        case "NotBestEffort":
            return qos_class(spec) != "BestEffort"
        case "PriorityClass":
            return selects(requirement, [name] if (name := spec.get("priorityClassName")) else [])
        case "CrossNamespacePodAffinity":
            return any(t.get("namespaces") or t.get("namespaceSelector") is not None for t in _affinity_terms(spec))
    return False


def _has_deadline(spec: JSON) -> bool:
    deadline = spec.get("activeDeadlineSeconds")
    return deadline is not None and deadline >= 0


def _affinity_terms(spec: JSON) -> Iterator[JSON]:
    for sort in ("podAffinity", "podAntiAffinity"):
        yield from each(spec, f"affinity.{sort}.requiredDuringSchedulingIgnoredDuringExecution")
        for weighted in each(spec, f"affinity.{sort}.preferredDuringSchedulingIgnoredDuringExecution"):
            yield weighted.get("podAffinityTerm") or {}


EVALUATOR = Evaluator(
    "pods",
    _usage,
    _tracks,
    charged=frozenset({("CREATE", ""), ("UPDATE", "resize")}),
    in_scope=_in_scope,
    lacking=_lacking,
)
