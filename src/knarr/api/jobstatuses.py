"""What may be said of how a Job goes, by whichever controller manages it (KEP-4368).

https://kubernetes.io/docs/concepts/workloads/controllers/job/#delegation-of-managing-a-job-object-to-external-controller
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.api.conditions import is_true
from knarr.api.indexes import IndexesError, overlap, parse
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import OMITTED, FieldError, duplicate, invalid, required
from knarr.machinery.times import parse_time

_LASTING = ("Failed", "Complete", "FailureTarget")
_EXCLUSIVE = (  # in upstream's spelling
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    ("SuccessCriteriaMet", "Failed", "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
    ("SuccessCriteriaMet", "FailureTarget", "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
)
_ANNOUNCED = (
    ("Failed", "FailureTarget", "cannot set Failed=True condition without the FailureTarget=true condition"),
    (
        "Complete",
        "SuccessCriteriaMet",
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ),
)


def validate_status(new: JSON, old: JSON) -> Iterable[FieldError]:
    """What was amiss before may stay so."""
    known = set(_faults(old))
    yield from (fault for fault in _faults(new) if fault not in known)
    yield from _uncounted(new)
    yield from _changes(new, old)


def _faults(job: JSON) -> Iterator[FieldError]:
    yield from _conditions(job)
    yield from _times(job)
    yield from _numbers(job)
    yield from _indexes(job)


def _conditions(job: JSON) -> Iterator[FieldError]:
    for one, other, detail in _EXCLUSIVE:
        if is_true(job, one) and is_true(job, other):
            yield invalid("status.conditions", OMITTED, detail)
    for final, before, detail in _ANNOUNCED:
        if is_true(job, final) and not is_true(job, before):
            yield invalid("status.conditions", OMITTED, detail)


def _is_finished(job: JSON) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def _times(job: JSON) -> Iterator[FieldError]:
    start, end = dig(job, "status.startTime"), dig(job, "status.completionTime")
    if end and not is_true(job, "Complete"):
        detail = "cannot set completionTime when there is no Complete=True condition"
        yield invalid("status.completionTime", end, detail)
    if not end and is_true(job, "Complete"):
        yield required("status.completionTime", "completionTime is required for Complete jobs")
    if start and end and parse_time(end) < parse_time(start):
        yield invalid("status.completionTime", end, "completionTime cannot be set before startTime")
    if not start and _is_finished(job):
        yield required("status.startTime", "startTime is required for finished job")


def _numbers(job: JSON) -> Iterator[FieldError]:
    active, ready = dig(job, "status.active", 0), dig(job, "status.ready", 0)
    terminating, uncounted = dig(job, "status.terminating", 0), dig(job, "status.uncountedTerminatedPods") or {}
    if ready > active:
        yield invalid("status.ready", ready, "cannot set more ready pods than active")
    if not _is_finished(job):
        return
    if active > 0:
        yield invalid("status.active", active, "active>0 is invalid for finished job")
    if terminating > 0:
        yield invalid("status.terminating", terminating, "terminating>0 is invalid for finished job")
    if uncounted.get("succeeded") or uncounted.get("failed"):
        detail = "uncountedTerminatedPods needs to be empty for finished job"
        yield invalid("status.uncountedTerminatedPods", uncounted, detail)


def _uncounted(job: JSON) -> Iterator[FieldError]:
    """A Pod is counted once."""
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for index, uid in enumerate(each(job, f"status.uncountedTerminatedPods.{field}")):
            path = f"status.uncountedTerminatedPods.{field}[{index}]"
            if not uid:
                yield invalid(path, uid, "must not be empty")
            elif uid in seen:
                yield duplicate(path, uid)
            seen.add(uid)


def _indexes(job: JSON) -> Iterator[FieldError]:
    done, failed = dig(job, "status.completedIndexes", ""), dig(job, "status.failedIndexes")
    if done and dig(job, "spec.completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield invalid("status.completedIndexes", done, detail)
    if failed is not None and dig(job, "spec.backoffLimitPerIndex") is None:
        detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        yield invalid("status.failedIndexes", failed, detail)
    completions = dig(job, "spec.completions")
    if completions is None:
        return
    ranges = []
    for field, text in (("completedIndexes", done), ("failedIndexes", failed or "")):
        try:
            ranges.append(parse(text, completions))
        except IndexesError as error:
            yield invalid(f"status.{field}", text, f"error parsing {field}: {error}")
            return
    if (index := overlap(*ranges)) is not None:
        yield invalid("status.failedIndexes", failed, f"failedIndexes and completedIndexes overlap at index: {index}")


def _changes(new: JSON, old: JSON) -> Iterator[FieldError]:
    """Nothing that is decided is taken back."""
    for kind in _LASTING:
        if is_true(old, kind) and not is_true(new, kind):
            detail = f"cannot disable the terminal {kind}=True condition"
            yield invalid("status.conditions", OMITTED, detail)
    if is_true(old, "SuccessCriteriaMet") and not is_true(new, "SuccessCriteriaMet"):
        yield invalid("status.conditions", OMITTED, "cannot disable the SuccessCriteriaMet=True condition")
    elastic = dig(new, "spec.completions") == dig(new, "spec.parallelism")  # may be made smaller
    for field in ("failed", *(() if elastic else ("succeeded",))):
        after = dig(new, f"status.{field}", 0)
        if after < dig(old, f"status.{field}", 0):
            yield invalid(f"status.{field}", after, f"cannot decrease the {field} counter")
    end, ended = dig(new, "status.completionTime"), dig(old, "status.completionTime")
    if end and ended and end != ended:
        yield invalid("status.completionTime", end, "completionTime cannot be mutated")
    started = dig(old, "status.startTime")
    if started and dig(new, "status.startTime") != started and not dig(new, "spec.suspend"):
        yield required("status.startTime", "startTime cannot be removed for unsuspended job")
