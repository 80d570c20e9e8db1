"""When a Job has failed or succeeded before all its Pods have ended (KEP-3329, KEP-3850, KEP-3998).

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many

_BATCH = "io.k8s.api.batch.v1"
_INDEXED = "requires indexed completion mode"
_MOST_INDEXED_AT_ONCE = 100_000
_EXIT_CODES = 255
_INDEXES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*", re.ASCII)


def _indexes(spec: JSON, path: str) -> Iterable[FieldError]:
    """Limits for each index need indexes."""
    indexed = spec.get("completionMode") == "Indexed"
    for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if spec.get(field) is not None and not indexed:
            shown = spec[field] if isinstance(spec[field], int) else None
            yield invalid(f"{path}.{field}", shown, _INDEXED)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if indexed and spec.get("parallelism", 1) > _MOST_INDEXED_AT_ONCE:
        detail = f"must be less than or equal to {_MOST_INDEXED_AT_ONCE} when completion mode is Indexed"
        yield invalid(f"{path}.parallelism", spec["parallelism"], detail)


def _policy(spec: JSON, path: str) -> Iterable[FieldError]:
    policy = dig(spec, "template.spec.restartPolicy", "Always")
    if policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        yield invalid(f"{path}.template.spec.restartPolicy", policy, detail)


def _rule(rule: JSON, path: str) -> Iterable[FieldError]:
    codes, conditions = rule.get("onExitCodes"), each(rule, "onPodConditions")
    if codes is not None and conditions:
        yield invalid(path, None, "specifying both OnExitCodes and OnPodConditions is not supported")
    elif codes is None and not conditions:
        yield invalid(path, None, "specifying one of OnExitCodes and OnPodConditions is required")


def _codes(requirement: JSON, path: str) -> Iterable[FieldError]:
    values, operator = each(requirement, "values"), requirement.get("operator")
    if not values:
        yield invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _EXIT_CODES:
        yield too_many(f"{path}.values", len(values), _EXIT_CODES)
    seen: set[int] = set()
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            yield invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
        if value in seen:
            yield duplicate(f"{path}.values[{index}]", value)
        seen.add(value)
    if values != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")


def _success(rule: JSON, path: str) -> Iterable[FieldError]:
    indexes, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if indexes is None and count is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    if indexes is not None and not _INDEXES.fullmatch(indexes):
        yield invalid(f"{path}.succeededIndexes", indexes, "error parsing succeededIndexes: not a list of indexes")


RULES = (
    Rules(f"{_BATCH}.JobSpec", validate=_indexes),
    Rules(f"{_BATCH}.JobSpec", validate=_policy, when=frozenset({"podFailurePolicy"})),
    Rules(f"{_BATCH}.PodFailurePolicy", sizes={"rules": 20}),
    Rules(f"{_BATCH}.PodFailurePolicyRule", required=("action",), sizes={"onPodConditions": 20}, validate=_rule),
    Rules(
        f"{_BATCH}.PodFailurePolicyOnExitCodesRequirement",
        required=("operator",),
        enums={"operator": ("In", "NotIn")},
        validate=_codes,
    ),
    Rules(
        f"{_BATCH}.PodFailurePolicyOnPodConditionsPattern",
        required=("type",),
        enums={"status": ("False", "True", "Unknown")},
    ),
    Rules(f"{_BATCH}.SuccessPolicy", required=("rules",), sizes={"rules": 20}),
    Rules(f"{_BATCH}.SuccessPolicyRule", bounds={"succeededCount": (0, None)}, validate=_success),
)
