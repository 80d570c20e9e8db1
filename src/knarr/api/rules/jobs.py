"""Jobs and CronJobs: how often, how many, until when."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.api.pods.mounts import validate_mounts
from knarr.api.schedules import validate_schedule
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required

_BATCH = "io.k8s.api.batch.v1"
_POLICIES = 'valid values: "OnFailure", "Never"'
_UNLIMITED = 2**31 - 1
_COUNTS = (
    *("parallelism", "completions", "backoffLimit", "backoffLimitPerIndex", "maxFailedIndexes"),
    *("activeDeadlineSeconds", "ttlSecondsAfterFinished"),
)


def _default_job(job: JSON) -> None:
    """The defaults of a Job itself, which a CronJob's template leaves to the Job made from it."""
    spec = job.get("spec")
    if spec is None:
        return
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else _UNLIMITED)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed")
    labels, metadata = dig(spec, "template.metadata.labels"), job.setdefault("metadata", {})
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _job_spec(spec: JSON, path: str) -> Iterable[FieldError]:
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        yield required(f"{path}.completions", "when completion mode is Indexed")
    policy, where = dig(spec, "template.spec.restartPolicy", "Always"), f"{path}.template.spec.restartPolicy"
    if policy == "Always":
        yield required(where, _POLICIES)
    elif policy not in ("Never", "OnFailure"):
        yield not_supported(where, policy, ("Never", "OnFailure"))
    yield from validate_mounts(dig(spec, "template.spec", {}), f"{path}.template.spec")


def _template(template: JSON, path: str) -> Iterable[FieldError]:
    """The selector of each Job is made when it is."""
    spec = template.get("spec") or {}
    if not spec:
        yield required(f"{path}.spec.template.spec.containers")
        yield required(f"{path}.spec.template.spec.restartPolicy", _POLICIES)
    if spec.get("selector") is not None:
        yield invalid(f"{path}.spec.selector", spec["selector"], "`selector` will be auto-generated")
    if spec.get("manualSelector"):
        yield not_supported(f"{path}.spec.manualSelector", True, ("nil", "false"), in_order=True)


RULES = (
    Rules(f"{_BATCH}.Job", default=_default_job),
    Rules(
        f"{_BATCH}.JobSpec",
        enums={
            "completionMode": ("Indexed", "NonIndexed"),
            "podReplacementPolicy": ("Failed", "TerminatingOrFailed"),
        },
        bounds=dict.fromkeys(_COUNTS, (0, None)),
        validate=_job_spec,
    ),
    Rules(
        f"{_BATCH}.CronJobSpec",
        defaults={
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
        required=("schedule",),
        enums={"concurrencyPolicy": ("Allow", "Forbid", "Replace")},
        bounds={
            "startingDeadlineSeconds": (0, None),
            "successfulJobsHistoryLimit": (0, None),
            "failedJobsHistoryLimit": (0, None),
        },
        validate=validate_schedule,
    ),
    Rules(f"{_BATCH}.JobTemplateSpec", validate=_template),
    Rules(f"{_BATCH}.PodFailurePolicyOnPodConditionsPattern", defaults={"status": "True"}),
)
