"""What bounds and ranks: disruption budgets, quotas, limits, priorities, runtime classes."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.rollouts import validate_share
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import dns1123_label

_CORE = "io.k8s.api.core.v1"


def _budget(spec: JSON, path: str) -> Iterable[FieldError]:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        yield invalid(path, spec, "minAvailable and maxUnavailable cannot be both set")
    yield from validate_share(f"{path}.minAvailable", least)
    yield from validate_share(f"{path}.maxUnavailable", most)


def _default_limit(item: JSON) -> None:
    """What a container gets by default is at least what limits and requests imply of each other."""
    if item.get("type") == "Container":
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        for field, amounts in (("default", limits), ("defaultRequest", requests)):
            if amounts:
                item[field] = amounts


RULES = (
    Rules(
        "io.k8s.api.policy.v1.PodDisruptionBudgetSpec",
        enums={"unhealthyPodEvictionPolicy": ("AlwaysAllow", "IfHealthyBudget")},
        validate=_budget,
    ),
    Rules(f"{_CORE}.LimitRangeItem", required=("type",), default=_default_limit),
    Rules(
        "io.k8s.api.scheduling.v1.PriorityClass",
        defaults={"preemptionPolicy": "PreemptLowerPriority"},
        enums={"preemptionPolicy": ("Never", "PreemptLowerPriority")},
    ),
    Rules("io.k8s.api.node.v1.RuntimeClass", names={"handler": dns1123_label}, immutable=("handler",)),
)
