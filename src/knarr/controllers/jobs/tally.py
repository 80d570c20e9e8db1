"""Counting a Job's Pods, each once, though they may be deleted at any time: KEP-2307.

A Pod keeps a finalizer until it is counted. Its uid goes into `uncountedTerminatedPods`, then the finalizer is
removed, then the uid moves into the number. A Pod is in the count at each of these steps exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knarr.controllers.jobs.indexes import parse
from knarr.controllers.jobs.views import Job, JobStatus, Uncounted, index_of, tracked
from knarr.controllers.objects import Pod


@dataclass(frozen=True, slots=True)
class Tally:
    """A Job's Pods, sorted, and the totals that they make with what was counted before."""

    job: Job
    active: tuple[Pod, ...]
    leaving: tuple[Pod, ...]  # being deleted, not ended
    succeeded_now: tuple[Pod, ...]  # ended and in no list yet
    failed_now: tuple[Pod, ...]
    listed: tuple[Pod, ...]  # in uncountedTerminatedPods, still with their finalizer
    uncounted: Uncounted

    @property
    def completed_indexes(self) -> set[int]:
        limit = self.job.spec.completions or 0
        new = {index_of(p) for p in self.succeeded_now}
        return {i for i in parse(self.job.status.completed_indexes) | new if i is not None and i < limit}

    @property
    def succeeded(self) -> int:
        if self.job.indexed:
            return len(self.completed_indexes)
        return self.job.status.succeeded + len(self.uncounted.succeeded) + len(self.succeeded_now)

    @property
    def failed(self) -> int:
        return self.job.status.failed + len(self.uncounted.failed) + len(self.failed_now)

    @property
    def unlisted(self) -> tuple[Pod, ...]:
        return self.succeeded_now + self.failed_now


def tally(job: Job, pods: Sequence[Pod], let_go: frozenset[str] = frozenset()) -> Tally:
    """Sort the Pods; those in `let_go` have lost their finalizer already, though the cache does not show it yet."""
    uncounted = job.status.uncounted_terminated_pods or Uncounted()
    known = {*uncounted.succeeded, *uncounted.failed} | let_go
    fresh = [p for p in pods if tracked(p) and p.metadata.uid not in known]
    return Tally(
        job=job,
        active=tuple(p for p in pods if p.active),
        leaving=tuple(p for p in pods if p.metadata.deletion_timestamp is not None and not p.terminal),
        succeeded_now=tuple(p for p in fresh if p.status.phase == "Succeeded"),
        failed_now=tuple(p for p in fresh if _failed(job, p)),
        listed=tuple(p for p in pods if tracked(p) and p.metadata.uid in known - let_go),
        uncounted=uncounted,
    )


def _failed(job: Job, pod: Pod) -> bool:
    """A Pod on its way out is as good as failed, unless the Job waits until it has."""
    if pod.status.phase == "Failed":
        return True
    only_ended = job.spec.pod_replacement_policy == "Failed"
    return pod.metadata.deletion_timestamp is not None and pod.status.phase != "Succeeded" and not only_ended


def listing(counts: Tally) -> Uncounted:
    """`uncountedTerminatedPods` with the Pods that ended since; an indexed Job counts successes by index instead."""
    succeeded = () if counts.job.indexed else tuple(p.metadata.uid for p in counts.succeeded_now)
    return Uncounted(
        succeeded=counts.uncounted.succeeded + succeeded,
        failed=counts.uncounted.failed + tuple(p.metadata.uid for p in counts.failed_now),
    )


def settled(status: JobStatus, still_tracked: set[str]) -> tuple[int, int, Uncounted]:
    """(succeeded, failed, uncounted) after what has lost its finalizer was moved into the numbers."""
    uncounted = status.uncounted_terminated_pods or Uncounted()
    succeeded = tuple(u for u in uncounted.succeeded if u in still_tracked)
    failed = tuple(u for u in uncounted.failed if u in still_tracked)
    return (
        status.succeeded + len(uncounted.succeeded) - len(succeeded),
        status.failed + len(uncounted.failed) - len(failed),
        Uncounted(succeeded=succeeded, failed=failed),
    )
