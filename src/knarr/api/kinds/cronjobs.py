"""CronJobs: Jobs at set times; served in two versions that differ by name alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, UNSET, count, selector, since, template_columns, text, value
from knarr.api.jobs import crowd_warnings
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings
from knarr.machinery.fielderrors import FieldError, invalid

_BETA_DEPRECATED = "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
_NAME_LIMIT = 52


def _renamed_to(api_version: str) -> Callable[[JSON], JSON]:
    return lambda cron_job: cron_job | {"apiVersion": api_version}


def _last_schedule(cron_job: JSON, now: datetime) -> str:
    last = dig(cron_job, "status.lastScheduleTime")
    return since(last, now) if last else NONE


def _suspend(cron_job: JSON, now: datetime) -> str:
    """`True` or `False`: written out, since it may be unset."""
    return str(dig(cron_job, "spec.suspend", UNSET))


def _validate(cron_job: JSON) -> Iterable[FieldError]:
    """The names of Jobs are the CronJob's and eleven characters of time, and must fit into 63."""
    if len(dig(cron_job, "metadata.name", "")) > _NAME_LIMIT:
        detail = f"must be no more than {_NAME_LIMIT} characters"
        yield invalid("metadata.name", cron_job["metadata"]["name"], detail)


def _warnings(new: JSON, old: JSON | None) -> Iterable[str]:
    yield from _OF_TEMPLATE(new, old)
    yield from crowd_warnings(dig(new, "spec.jobTemplate.spec", {}), "spec.jobTemplate.spec")


_OF_TEMPLATE = template_warnings("spec.jobTemplate.spec.template.spec")
KIND = Kind(
    kind="CronJob",
    plural="cronjobs",
    versions=(
        Version("v1", "io.k8s.api.batch.v1.CronJob"),
        Version(
            "v1beta1",
            "io.k8s.api.batch.v1beta1.CronJob",
            to_storage=_renamed_to("batch/v1"),
            from_storage=_renamed_to("batch/v1beta1"),
            deprecated=_BETA_DEPRECATED,
        ),
    ),
    group="batch",
    short_names=("cj",),
    categories=("all",),
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column("Schedule", value("spec.schedule")),
        Column("Timezone", text("spec.timeZone")),
        Column("Suspend", _suspend, type="boolean", shows="spec.suspend"),
        Column("Active", count("status.active"), type="integer"),
        Column("Last Schedule", _last_schedule, shows="status.lastScheduleTime"),
        AGE,
        *template_columns("spec.jobTemplate.spec.template"),
        Column("Selector", selector("spec.jobTemplate.spec.selector"), priority=1),
    ),
    validate=_validate,
    warnings=_warnings,
)
