"""Jobs: Pods that run to completion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME, selector, since, template_columns
from knarr.api.jobs import crowd_warnings, prepare_create, validate, validate_create, validate_update
from knarr.api.jobstatuses import validate_status
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.api.pods.warnings import template_warnings
from knarr.machinery.times import human_duration, parse_time


def _status(job: JSON, now: datetime) -> str:
    """The first condition that holds, the final ones first."""
    true = {c.get("type") for c in each(job, "status.conditions") if c.get("status") == "True"}
    deleted = {"Terminating"} if dig(job, "metadata.deletionTimestamp") else set()
    order = ("Complete", "Failed", "Terminating", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((said for said in order if said in true | deleted), "Running")


def _completions(job: JSON, now: datetime) -> str:
    done, wanted = dig(job, "status.succeeded", 0), dig(job, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallelism = dig(job, "spec.parallelism", 0)
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(job: JSON, now: datetime) -> str:
    start, end = dig(job, "status.startTime"), dig(job, "status.completionTime")
    if not start:
        return ""
    return human_duration((parse_time(end) - parse_time(start)).total_seconds()) if end else since(start, now)


def _warnings(new: JSON, old: JSON | None) -> Iterable[str]:
    yield from _OF_TEMPLATE(new, old)
    yield from crowd_warnings(new.get("spec") or {}, "spec")


_OF_TEMPLATE = template_warnings()
KIND = Kind(
    kind="Job",
    plural="jobs",
    versions=(Version("v1", "io.k8s.api.batch.v1.Job"),),
    group="batch",
    categories=("all",),
    subresources=("status",),
    generation=True,
    orphans=True,
    orphan_warning="child pods are preserved by default when jobs are deleted; "
    "set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
    columns=(
        NAME,
        Column("Status", _status, description="Status of the job."),
        Column("Completions", _completions, shows="status.succeeded"),
        Column("Duration", _duration, description="Time required to complete the job."),
        AGE,
        *template_columns(),
        Column("Selector", selector("spec.selector"), priority=1),
    ),
    fields={"status.successful": lambda job: str(dig(job, "status.succeeded", 0))},
    prepare_create=prepare_create,
    validate=validate,
    validate_create=validate_create,
    validate_update=validate_update,
    validate_status=validate_status,
    warnings=_warnings,
)
