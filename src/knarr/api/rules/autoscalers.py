"""HorizontalPodAutoscalers: bounds, metrics and their targets, and how fast to scale.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from knarr.api.autoscaling import default_metrics
from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1123_label, path_segment
from knarr.machinery.quantity import parse

_V1, _V2 = "io.k8s.api.autoscaling.v1", "io.k8s.api.autoscaling.v2"
_WINDOW = 3600  # seconds, the longest stabilization
_PERIOD = 1800  # seconds, the longest period of a policy
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_UP: JSON = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN: JSON = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def _default(spec: JSON) -> None:
    if not spec.get("metrics"):
        spec["metrics"] = default_metrics()


def _default_behavior(behavior: JSON) -> None:
    """Who says something about scaling gets the rest spelled out."""
    for direction, rules in (("scaleUp", _UP), ("scaleDown", _DOWN)):
        given = behavior.get(direction) or {}
        behavior[direction] = {**rules, "policies": [dict(policy) for policy in rules["policies"]], **given}


def _validate(spec: JSON, path: str) -> Iterable[FieldError]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield invalid(f"{path}.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid(f"{path}.maxReplicas", most, "must be greater than 0")
    if most < least:
        yield invalid(f"{path}.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    yield from _reference(spec.get("scaleTargetRef") or {}, f"{path}.scaleTargetRef")


def _reference(reference: JSON, path: str) -> Iterable[FieldError]:
    for field in ("kind", "name"):
        if value := reference.get(field):
            yield from named(f"{path}.{field}", value, path_segment)


def _metric(metric: JSON, path: str) -> Iterable[FieldError]:
    """Exactly the source that the type names."""
    kind = metric.get("type")
    if not kind:
        yield required(f"{path}.type", "must specify a metric source type")
        return
    if kind not in _SOURCES:
        yield not_supported(f"{path}.type", kind, _SOURCES)
        return
    wanted, given = _SOURCES[kind], [name for name in _SOURCES.values() if metric.get(name) is not None]
    if wanted not in given:
        yield required(f"{path}.{wanted}", "must populate information for the given metric source")
    for name in given:
        if name != wanted:
            yield forbidden(f"{path}.{name}", "must populate the given metric source only")


def _source(kinds: tuple[str, ...], missing: str) -> Callable[[JSON, str], Iterable[FieldError]]:
    """A source whose target is of one of these kinds."""

    def validate(source: JSON, path: str) -> Iterable[FieldError]:
        target = source.get("target") or {}
        given = [kind for kind in ("averageUtilization", "averageValue", "value") if target.get(kind) is not None]
        if not [kind for kind in given if kind in kinds]:
            yield required(f"{path}.target.{kinds[0]}", missing)
        elif len([kind for kind in given if kind in kinds]) > 1:
            detail = f"may not set both a target {' and a target '.join(_worded(kind) for kind in reversed(kinds))}"
            yield forbidden(f"{path}.target.{kinds[-1]}", detail)

    return validate


def _worded(kind: str) -> str:
    return {"averageUtilization": "utilization", "averageValue": "raw value", "value": "value"}[kind]


def _target(target: JSON, path: str) -> Iterable[FieldError]:
    kind, percent = target.get("type"), target.get("averageUtilization")
    if not kind:
        yield required(f"{path}.type", "must specify a metric target type")
    elif kind not in ("AverageValue", "Utilization", "Value"):
        detail = "must be either Utilization, Value, or AverageValue"
        yield invalid(f"{path}.type", kind, detail)
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and parse(amount) <= parse(0):
            yield invalid(f"{path}.{field}", amount, "must be positive")
    if percent is not None and percent < 1:
        yield invalid(f"{path}.averageUtilization", percent, "must be greater than 0")


def _behavior_rules(rules: JSON, path: str) -> Iterable[FieldError]:
    window = rules.get("stabilizationWindowSeconds", 0)
    if window < 0:
        yield invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window > _WINDOW:
        yield invalid(f"{path}.stabilizationWindowSeconds", window, f"must be less than or equal to {_WINDOW}")
    if not rules.get("policies"):
        yield required(f"{path}.policies", "must specify at least one Policy")
    if (tolerance := rules.get("tolerance")) is not None and parse(tolerance) < parse(0):
        yield invalid(f"{path}.tolerance", tolerance, "must be greater than or equal to 0")


def _policy(policy: JSON, path: str) -> Iterable[FieldError]:
    value, period = policy.get("value", 0), policy.get("periodSeconds", 0)
    if value <= 0:
        yield invalid(f"{path}.value", value, "must be greater than zero")
    if period <= 0:
        yield invalid(f"{path}.periodSeconds", period, "must be greater than zero")
    if period > _PERIOD:
        yield invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_PERIOD}")


def _described(source: JSON, path: str) -> Iterable[FieldError]:
    yield from _reference(dig(source, "describedObject", {}), f"{path}.describedObject")
    yield from _source(("averageValue", "value"), "must set either a target value for metric or a per-pod target")(
        source, path
    )


_COMPUTE = _source(("averageUtilization", "averageValue"), "must set either a target raw value or a target utilization")

RULES = (
    Rules(f"{_V1}.HorizontalPodAutoscalerSpec", defaults={"minReplicas": 1}),
    Rules(f"{_V2}.HorizontalPodAutoscalerSpec", defaults={"minReplicas": 1}, default=_default, validate=_validate),
    Rules(f"{_V2}.CrossVersionObjectReference", required=("kind", "name")),
    Rules(f"{_V2}.MetricSpec", undemanded=("type",), validate=_metric),
    Rules(f"{_V2}.MetricIdentifier", required=("name",), names={"name": path_segment}),
    Rules(f"{_V2}.MetricTarget", undemanded=("type",), validate=_target),
    Rules(f"{_V2}.ResourceMetricSource", required=("name",), validate=_COMPUTE),
    Rules(
        f"{_V2}.ContainerResourceMetricSource",
        required=("name", "container"),
        names={"container": dns1123_label},
        validate=_COMPUTE,
    ),
    Rules(
        f"{_V2}.PodsMetricSource",
        validate=_source(("averageValue",), "must specify a positive target averageValue"),
    ),
    Rules(f"{_V2}.ObjectMetricSource", validate=_described),
    Rules(
        f"{_V2}.ExternalMetricSource",
        validate=_source(("averageValue", "value"), "must set either a target value for metric or a per-pod target"),
    ),
    Rules(f"{_V2}.HorizontalPodAutoscalerBehavior", default=_default_behavior),
    Rules(
        f"{_V2}.HPAScalingRules",
        enums={"selectPolicy": ("Disabled", "Max", "Min")},
        validate=_behavior_rules,
    ),
    Rules(f"{_V2}.HPAScalingPolicy", enums={"type": ("Percent", "Pods")}, validate=_policy),
)
