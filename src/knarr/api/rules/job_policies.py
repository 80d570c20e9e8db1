"""When a Job has failed or succeeded before all its Pods have ended (KEP-3329, KEP-3850, KEP-3998).

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import distinct, domain_prefixed_path
from knarr.api.indexes import IndexesError, parse
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import containers
from knarr.machinery.fielderrors import OMITTED, FieldError, invalid, not_supported, required, too_long, too_many
from knarr.machinery.names import qualified_name

_BATCH = "io.k8s.api.batch.v1"
_INDEXED = "requires indexed completion mode"
_MOST_AT_ONCE = _MOST_FAILED = _MANY_COMPLETIONS = 100_000  # of indexes
_FEW_AT_ONCE = _FEW_FAILED = 10_000  # where there are many
_EXIT_CODES = 255
_INDEXES_LENGTH = 64 * 1024
_MANAGER_LENGTH = 63
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def _limits(spec: JSON, path: str) -> Iterable[FieldError]:
    """Limits for each index need indexes."""
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.get("completionMode") == "Indexed":
        yield from _indexed(spec, path)
        return
    for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if spec.get(field) is not None:
            yield invalid(f"{path}.{field}", spec[field], _INDEXED)


def _indexed(spec: JSON, path: str) -> Iterable[FieldError]:
    completions, failing = spec.get("completions"), spec.get("maxFailedIndexes", 0)
    if spec.get("parallelism", 1) > _MOST_AT_ONCE:
        detail = f"must be less than or equal to {_MOST_AT_ONCE} when completion mode is Indexed"
        yield invalid(f"{path}.parallelism", spec["parallelism"], detail)
    if completions is not None and failing > completions:
        yield invalid(f"{path}.maxFailedIndexes", failing, "must be less than or equal to completions")
    if failing > _MOST_FAILED:
        yield invalid(f"{path}.maxFailedIndexes", failing, f"must be less than or equal to {_MOST_FAILED}")
    if (completions or 0) > _MANY_COMPLETIONS and spec.get("backoffLimitPerIndex") is not None:
        yield from _many(spec, path)


def _many(spec: JSON, path: str) -> Iterable[FieldError]:
    """The status has to name all that fail."""
    if spec.get("maxFailedIndexes") is None:
        detail = f"must be specified when completions is above {_MANY_COMPLETIONS}"
        yield required(f"{path}.maxFailedIndexes", detail)
    for field, most in (("parallelism", _FEW_AT_ONCE), ("maxFailedIndexes", _FEW_FAILED)):
        if spec.get(field, 0) > most:
            detail = (
                f"must be less than or equal to {most} when completions are above {_MANY_COMPLETIONS} "
                "and used with backoff limit per index"
            )
            yield invalid(f"{path}.{field}", spec[field], detail)


def _manager(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from domain_prefixed_path(f"{path}.managedBy", spec["managedBy"])
    if len(spec["managedBy"]) > _MANAGER_LENGTH:
        yield too_long(f"{path}.managedBy", _MANAGER_LENGTH)


def _failure(spec: JSON, path: str) -> Iterable[FieldError]:
    policy, replacement = dig(spec, "template.spec.restartPolicy", "Always"), spec.get("podReplacementPolicy")
    if policy == "OnFailure":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        yield invalid(f"{path}.template.spec.restartPolicy", policy, detail)
    if replacement == "TerminatingOrFailed":
        yield not_supported(f"{path}.podReplacementPolicy", replacement, ("Failed",))
    names = {container.get("name") for _, container in containers(dig(spec, "template.spec", {}), "")}
    for index, rule in enumerate(each(spec, "podFailurePolicy.rules")):
        where = f"{path}.podFailurePolicy.rules[{index}]"
        if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
            yield invalid(f"{where}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
        name = (rule.get("onExitCodes") or {}).get("containerName")
        if name is not None and name not in names:
            detail = "must be one of the container or initContainer names in the pod template"
            yield invalid(f"{where}.onExitCodes.containerName", name, detail)


def _rule(rule: JSON, path: str) -> Iterable[FieldError]:
    codes, conditions = rule.get("onExitCodes"), each(rule, "onPodConditions")
    if codes is not None and conditions:
        yield invalid(path, OMITTED, "specifying both OnExitCodes and OnPodConditions is not supported")
    elif codes is None and not conditions:
        yield invalid(path, OMITTED, "specifying one of OnExitCodes and OnPodConditions is required")


def _valid(values: Iterable[str]) -> str:
    listed = " ".join(f'"{value}"' for value in values)
    return f"valid values: [{listed}]"


def _codes(requirement: JSON, path: str) -> Iterable[FieldError]:
    values, operator = each(requirement, "values"), requirement.get("operator")
    if not values:
        yield invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _EXIT_CODES:
        yield too_many(f"{path}.values", len(values), _EXIT_CODES)
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            yield invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
    yield from distinct(f"{path}.values", values)
    if values != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")


def _success(spec: JSON, path: str) -> Iterable[FieldError]:
    """Of an indexed Job: which of its indexes, or how many, are enough."""
    rules, completions = each(spec, "successPolicy.rules"), spec.get("completions")
    if spec.get("completionMode") != "Indexed" or completions is None:
        return
    where = f"{path}.successPolicy.rules"
    if not rules:
        yield required(where, "at least one rules must be specified when the successPolicy is specified")
    for index, rule in enumerate(rules):
        yield from _success_rule(rule, f"{where}[{index}]", completions)


def _success_rule(rule: JSON, path: str, completions: int) -> Iterable[FieldError]:
    indexes, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if indexes is None and count is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    chosen = 0
    if indexes is not None:
        if len(indexes) > _INDEXES_LENGTH:
            yield too_long(f"{path}.succeededIndexes", _INDEXES_LENGTH)
        try:
            chosen = sum(map(len, parse(indexes, completions)))
        except IndexesError as error:
            yield invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {error}")
    if (count or 0) > completions:
        detail = f"must be less than or equal to {completions} (the number of specified completions)"
        yield invalid(f"{path}.succeededCount", count, detail)
    if indexes is not None and (count or 0) > chosen:
        detail = (
            f"must be less than or equal to {chosen} (the number of indexes in the specified succeededIndexes field)"
        )
        yield invalid(f"{path}.succeededCount", count, detail)


RULES = (
    Rules(f"{_BATCH}.JobSpec", validate=_limits),
    Rules(f"{_BATCH}.JobSpec", validate=_manager, when=frozenset({"managedBy"})),
    Rules(f"{_BATCH}.JobSpec", validate=_failure, when=frozenset({"podFailurePolicy"})),
    Rules(f"{_BATCH}.JobSpec", validate=_success, when=frozenset({"successPolicy"})),
    Rules(f"{_BATCH}.PodFailurePolicy", sizes={"rules": 20}),
    Rules(
        f"{_BATCH}.PodFailurePolicyRule",
        demands={"action": _valid(_ACTIONS)},
        enums={"action": _ACTIONS},
        sizes={"onPodConditions": 20},
        validate=_rule,
    ),
    Rules(
        f"{_BATCH}.PodFailurePolicyOnExitCodesRequirement",
        demands={"operator": _valid(("In", "NotIn"))},
        enums={"operator": ("In", "NotIn")},
        validate=_codes,
    ),
    Rules(
        f"{_BATCH}.PodFailurePolicyOnPodConditionsPattern",
        enums={"status": ("False", "True", "Unknown")},
        names={"type": qualified_name},
    ),
    Rules(f"{_BATCH}.SuccessPolicy", sizes={"rules": 20}),
    Rules(f"{_BATCH}.SuccessPolicyRule", bounds={"succeededCount": (0, None)}),
)
