"""HorizontalPodAutoscalers: as many Pods as the load asks for."""

from __future__ import annotations

from datetime import datetime

from knarr.api.autoscaling import from_v2, to_v2
from knarr.api.cells import AGE, NAME, NONE, UNKNOWN, UNSET, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each

_SHOWN = 2
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _reference(autoscaler: JSON, now: datetime) -> str:
    return f"{dig(autoscaler, 'spec.scaleTargetRef.kind', '')}/{dig(autoscaler, 'spec.scaleTargetRef.name', '')}"


def _targets(autoscaler: JSON, now: datetime) -> str:
    """Each metric's `current/target`; statuses come in the order of the metrics."""
    metrics, statuses = each(autoscaler, "spec.metrics"), each(autoscaler, "status.currentMetrics")
    listed = [_metric(m, statuses[i] if i < len(statuses) else {}) for i, m in enumerate(metrics)]
    more = f" + {len(listed) - _SHOWN} more..." if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more or NONE


def _metric(metric: JSON, status: JSON) -> str:
    kind = metric.get("type", "")
    source, current = metric.get(_SOURCES.get(kind, ""), {}), status.get(_SOURCES.get(kind, ""), {}).get("current", {})
    label = f"{source.get('name', '')}: " if kind in {"Resource", "ContainerResource"} else ""
    return label + _ratio(source.get("target", {}), current)


def _ratio(target: JSON, current: JSON) -> str:
    if "averageUtilization" in target:
        now = current.get("averageUtilization")
        return f"{UNKNOWN if now is None else f'{now}%'}/{target['averageUtilization']}%"
    if "averageValue" in target:
        return f"{current.get('averageValue', UNKNOWN)}/{target['averageValue']}"
    return f"{current.get('value', UNKNOWN)}/{target.get('value', '')}"


KIND = Kind(
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    versions=(
        Version("v2", "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler"),
        Version("v1", "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler", to_storage=to_v2, from_storage=from_v2),
    ),
    group="autoscaling",
    short_names=("hpa",),
    categories=("all",),
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column("Reference", _reference, shows="spec.scaleTargetRef"),
        Column("Targets", _targets, shows="spec.metrics"),
        Column(
            "MinPods", lambda autoscaler, now: str(dig(autoscaler, "spec.minReplicas", UNSET)), shows="spec.minReplicas"
        ),
        Column("MaxPods", value("spec.maxReplicas", 0)),
        Column("Replicas", value("status.currentReplicas", 0)),
        AGE,
    ),
)
