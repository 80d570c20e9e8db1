"""What becomes of a Job: done, failed, suspended, or more Pods, and when.

https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from knarr.controllers.jobs.indexes import parse
from knarr.controllers.jobs.tally import Tally
from knarr.controllers.jobs.views import Job, index_of
from knarr.controllers.objects import Condition, Pod, condition_of, fresh_condition
from knarr.machinery.times import parse_time

FIRST_BACKOFF, MAX_BACKOFF = 10.0, 600.0  # seconds before a failed Pod is replaced: 10, 20, 40 ... 600


def failure(job: Job, counts: Tally, now: datetime) -> Condition | None:
    """The FailureTarget condition, where the Job has failed: its Pods are to go, then it is Failed."""
    if job.has("SuccessCriteriaMet"):
        return None
    if job.has("FailureTarget"):
        return condition_of(job.status.conditions, "FailureTarget")
    if counts.failed > job.spec.backoff_limit or _restarted_too_often(job, counts.active):
        text = "Job has reached the specified backoff limit"
        return fresh_condition("FailureTarget", "True", "BackoffLimitExceeded", text, now)
    if (left := seconds_left(job, now)) is not None and left <= 0:
        text = "Job was active longer than specified deadline"
        return fresh_condition("FailureTarget", "True", "DeadlineExceeded", text, now)
    return None


def success(job: Job, counts: Tally, now: datetime) -> Condition | None:
    """The SuccessCriteriaMet condition, where enough Pods have succeeded and none is at work any more."""
    if job.has("SuccessCriteriaMet"):
        return condition_of(job.status.conditions, "SuccessCriteriaMet")
    enough = counts.succeeded > 0 if job.spec.completions is None else counts.succeeded >= job.spec.completions
    if not enough or counts.active:
        return None
    text = "Reached expected number of succeeded pods"
    return fresh_condition("SuccessCriteriaMet", "True", "CompletionsReached", text, now)


def final(met: Condition, now: datetime) -> Condition:
    """The condition that ends the Job, for the one that said that it would."""
    outcome = "Complete" if met.type == "SuccessCriteriaMet" else "Failed"
    return fresh_condition(outcome, "True", met.reason, met.message, now)


def suspension(job: Job, now: datetime) -> Condition | None:
    """The Suspended condition, where it is to change."""
    if job.spec.suspend == job.has("Suspended"):
        return None
    if job.spec.suspend:
        return fresh_condition("Suspended", "True", "JobSuspended", "Job suspended", now)
    return fresh_condition("Suspended", "False", "JobResumed", "Job resumed", now)


def seconds_left(job: Job, now: datetime) -> float | None:
    """Until activeDeadlineSeconds have passed; None where that is not counted."""
    if job.spec.active_deadline_seconds is None or not job.status.start_time or job.spec.suspend:
        return None
    end = parse_time(job.status.start_time) + timedelta(seconds=job.spec.active_deadline_seconds)
    return (end - now).total_seconds()


def wanted_active(job: Job, counts: Tally) -> int:
    """How many Pods should be at work."""
    if job.spec.suspend:
        return 0
    if job.spec.completions is None:  # a work queue: after the first success nothing is started any more
        return len(counts.active) if counts.succeeded else job.spec.parallelism
    return max(0, min(job.spec.completions - counts.succeeded, job.spec.parallelism))


def missing(job: Job, counts: Tally) -> int:
    """How many Pods to start; Pods that are leaving keep their place where the Job waits for them to end."""
    waiting = len(counts.leaving) if job.spec.pod_replacement_policy == "Failed" else 0
    return max(0, wanted_active(job, counts) - waiting - len(counts.active))


def next_indexes(job: Job, counts: Tally, count: int) -> list[int]:
    """The lowest completion indexes that are neither done nor at work."""
    taken = parse(job.status.completed_indexes) | counts.completed_indexes
    taken |= {index for p in (*counts.active, *_keeping_place(job, counts)) if (index := index_of(p)) is not None}
    return [i for i in range(job.spec.completions or 0) if i not in taken][:count]


def _keeping_place(job: Job, counts: Tally) -> Sequence[Pod]:
    return counts.leaving if job.spec.pod_replacement_policy == "Failed" else ()


def backoff(pods: Sequence[Pod], now: datetime) -> float:
    """Seconds until failed Pods may be replaced: longer with each failure since the last success."""
    ended = sorted((_end(p, now), p.status.phase) for p in pods if p.terminal)
    failures = 0
    for _, phase in reversed(ended):
        if phase == "Succeeded":
            break
        failures += 1
    if not failures:
        return 0.0
    wait = min(MAX_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))
    return (ended[-1][0] + timedelta(seconds=wait) - now).total_seconds()


def _end(pod: Pod, now: datetime) -> datetime:
    """When its last container ended, as far as anybody has said."""
    ends = [s.state.terminated.finished_at for s in pod.status.container_statuses if s.state.terminated]
    known = [parse_time(end) for end in ends if end]
    if known:
        return max(known)
    unready = condition_of(pod.status.conditions, "Ready")
    return parse_time(unready.last_transition_time) if unready and unready.last_transition_time else now


def _restarted_too_often(job: Job, active: Sequence[Pod]) -> bool:
    """With restartPolicy OnFailure Pods do not fail: their containers' restarts count."""
    if not job.restarts_in_place:
        return False
    restarts = sum(
        s.restart_count for p in active for s in (*p.status.init_container_statuses, *p.status.container_statuses)
    )
    return restarts >= max(1, job.spec.backoff_limit)
