"""HorizontalPodAutoscalers in autoscaling/v1: one number for the processor, and the rest in annotations.

What v1 has no field for travels as JSON in annotations, so that a client of v1 loses nothing: other metrics, their
current values, conditions and behaviour. Stored is v2.
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.api.paths import dig

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _CURRENT = f"{_PREFIX}metrics", f"{_PREFIX}current-metrics"
_CONDITIONS, _BEHAVIOR = f"{_PREFIX}conditions", f"{_PREFIX}behavior"
_ANNOTATIONS = (_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR)
_UTILIZATION = 80  # percent, of an autoscaler that names no metric

# v2's places within a metric's source to v1's names; {} is what the amounts are called: target or current.
_COMPUTE = {
    "name": "name",
    "container": "container",
    "{}.averageUtilization": "{}AverageUtilization",
    "{}.averageValue": "{}AverageValue",
}
_SOURCES: dict[str, tuple[str, Mapping[str, str]]] = {
    "Resource": ("resource", _COMPUTE),
    "ContainerResource": ("containerResource", _COMPUTE),
    "Pods": (
        "pods",
        {"metric.name": "metricName", "metric.selector": "selector", "{}.averageValue": "{}AverageValue"},
    ),
    "Object": (
        "object",
        {
            "describedObject": "target",
            "metric.name": "metricName",
            "metric.selector": "selector",
            "{}.value": "{}Value",
            "{}.averageValue": "averageValue",
        },
    ),
    "External": (
        "external",
        {
            "metric.name": "metricName",
            "metric.selector": "metricSelector",
            "{}.value": "{}Value",
            "{}.averageValue": "{}AverageValue",
        },
    ),
}


def default_metrics() -> list[JSON]:
    """What is scaled by when nothing is said."""
    return [_cpu(_UTILIZATION)]


def _cpu(percent: int) -> JSON:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def from_v2(autoscaler: JSON) -> JSON:
    """A stored autoscaler as autoscaling/v1 shows it."""
    spec, status = dict(autoscaler.get("spec") or {}), {"currentReplicas": 0, **(autoscaler.get("status") or {})}
    metrics, current = spec.pop("metrics", []), status.pop("currentMetrics", [])
    percentages = [percent for metric in metrics if (percent := _percentage(metric, "target")) is not None]
    others = [metric for metric in metrics if _percentage(metric, "target") is None]
    if percentages:
        spec["targetCPUUtilizationPercentage"] = percentages[0]
    if (percent := next((p for m in current if (p := _percentage(m, "current")) is not None), None)) is not None:
        status["currentCPUUtilizationPercentage"] = percent
    kept = {
        _METRICS: [_older(metric, "target") for metric in others],
        _CURRENT: [_older(metric, "current") for metric in current],
        _CONDITIONS: status.pop("conditions", []),
        _BEHAVIOR: spec.pop("behavior", {}),
    }
    metadata = _annotated(autoscaler["metadata"], {name: _text(value) for name, value in kept.items() if value})
    return {**autoscaler, "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def to_v2(autoscaler: JSON) -> JSON:
    """An autoscaler of autoscaling/v1 as it is stored."""
    spec, status = dict(autoscaler.get("spec") or {}), dict(autoscaler.get("status") or {})
    percent, _ = spec.pop("targetCPUUtilizationPercentage", None), status.pop("currentCPUUtilizationPercentage", None)
    if not status.get("currentReplicas"):  # v1 says it though it is zero
        status.pop("currentReplicas", None)
    kept = {name: _value(dig(autoscaler, "metadata.annotations", {}).get(name)) for name in _ANNOTATIONS}
    metrics = [_newer(metric, "target") for metric in kept[_METRICS] or ()]
    spec["metrics"] = metrics + ([] if percent is None else [_cpu(percent)]) or default_metrics()
    if kept[_BEHAVIOR]:
        spec["behavior"] = kept[_BEHAVIOR]
    if kept[_CURRENT]:
        status["currentMetrics"] = [_newer(metric, "current") for metric in kept[_CURRENT]]
    if kept[_CONDITIONS]:
        status["conditions"] = kept[_CONDITIONS]
    metadata = _annotated(autoscaler.get("metadata") or {}, {})
    return {**autoscaler, "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec, "status": status}


def _percentage(metric: JSON, amounts: str) -> int | None:
    """The utilization of the processor, which v1 has a field for."""
    is_cpu = metric.get("type") == "Resource" and dig(metric, "resource.name") == "cpu"
    found = dig(metric, f"resource.{amounts}.averageUtilization") if is_cpu else None
    return found if isinstance(found, int) else None


def _older(metric: JSON, amounts: str) -> JSON:
    """A metric of v2 as v1's annotations hold it."""
    kind = metric.get("type", "")
    field, names = _SOURCES.get(kind, ("", {}))
    source = {
        name.format(amounts): value
        for path, name in names.items()
        if (value := dig(metric.get(field), path.format(amounts))) is not None
    }
    if kind == "Object":
        source.setdefault(f"{amounts}Value", "0")
    return {"type": kind, field: source} if field else dict(metric)


def _newer(metric: JSON, amounts: str) -> JSON:
    """A metric from v1's annotations as one of v2."""
    kind = metric.get("type", "")
    field, names = _SOURCES.get(kind, ("", {}))
    source: JSON = {}
    for path, name in names.items():
        value = dig(metric.get(field), name.format(amounts))
        outer, dot, inner = path.format(amounts).partition(".")
        if value is not None and dot:
            source.setdefault(outer, {})[inner] = value
        elif value is not None:
            source[outer] = value
    _settle(source.get(amounts, {}), typed=amounts == "target")
    return {"type": kind, field: source} if field else dict(metric)


def _settle(amount: JSON, *, typed: bool) -> None:
    """An average makes the value of an Object's metric, which v1 always writes, void; a target says which it is."""
    if "averageValue" in amount:
        amount.pop("value", None)
    if typed:
        kinds = {"averageUtilization": "Utilization", "averageValue": "AverageValue"}
        amount["type"] = next((kind for name, kind in kinds.items() if name in amount), "Value")


def _annotated(metadata: JSON, added: Mapping[str, str]) -> JSON:
    """The metadata with these annotations in the place of those that conversions left."""
    given = metadata.get("annotations") or {}
    annotations = {**{name: text for name, text in given.items() if name not in _ANNOTATIONS}, **added}
    rest = {name: value for name, value in metadata.items() if name != "annotations"}
    return {**rest, "annotations": annotations} if annotations else rest


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _value(text: str | None) -> Any:
    """What an annotation holds; what a client has broken counts as nothing."""
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
