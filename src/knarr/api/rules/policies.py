"""What bounds and ranks: disruption budgets, quotas, limits, priorities, runtime classes, autoscalers."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.rollouts import validate_share
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import dns1123_label, qualified_name

_CORE, _AUTOSCALING = "io.k8s.api.core.v1", "io.k8s.api.autoscaling.v2"
_STABILIZATION = (0, 3600)


def _budget(spec: JSON, path: str) -> Iterable[FieldError]:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        yield invalid(path, spec, "minAvailable and maxUnavailable cannot be both set")
    yield from validate_share(f"{path}.minAvailable", least)
    yield from validate_share(f"{path}.maxUnavailable", most)


def _quota(spec: JSON, path: str) -> Iterable[FieldError]:
    for name in spec.get("hard") or {}:
        yield from named(f"{path}.hard[{name}]", name, qualified_name)


def _default_limit(item: JSON) -> None:
    """What a container gets by default is at least what limits and requests imply of each other."""
    if item.get("type") == "Container":
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        for field, amounts in (("default", limits), ("defaultRequest", requests)):
            if amounts:
                item[field] = amounts


def _autoscaler(spec: JSON, path: str) -> Iterable[FieldError]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid(f"{path}.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid(f"{path}.maxReplicas", most, "must be greater than 0")
    elif most < least:
        yield invalid(f"{path}.maxReplicas", most, "must be greater than or equal to `minReplicas`")


def _default_autoscaler(spec: JSON) -> None:
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


RULES = (
    Rules("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", validate=_budget),
    Rules(f"{_CORE}.ResourceQuotaSpec", bounds={"hard": (0, None)}, validate=_quota),
    Rules(f"{_CORE}.LimitRangeItem", required=("type",), default=_default_limit),
    Rules(
        "io.k8s.api.scheduling.v1.PriorityClass",
        defaults={"preemptionPolicy": "PreemptLowerPriority"},
        enums={"preemptionPolicy": ("Never", "PreemptLowerPriority")},
    ),
    Rules("io.k8s.api.node.v1.RuntimeClass", names={"handler": dns1123_label}, immutable=("handler",)),
    Rules(
        f"{_AUTOSCALING}.HorizontalPodAutoscalerSpec",
        defaults={"minReplicas": 1},
        default=_default_autoscaler,
        validate=_autoscaler,
    ),
    Rules(f"{_AUTOSCALING}.HPAScalingRules", bounds={"stabilizationWindowSeconds": _STABILIZATION}),
)
