"""Jobs: Pods that run until enough of them have succeeded, or too many have failed.

Each reconcile counts Pods (jobs/tally.py), decides what becomes of the Job (jobs/verdicts.py), starts or deletes
Pods, and writes the status in the steps that let no Pod be forgotten or counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from knarr.client.objects import JSON
from knarr.client.resources import JOBS, PODS
from knarr.controllers.jobs.bodies import indexed_pod_of, pod_of
from knarr.controllers.jobs.finalizers import BY_JOB, by_job, expectation, free, let_go, observe
from knarr.controllers.jobs.indexes import written
from knarr.controllers.jobs.tally import listing, settled, tally
from knarr.controllers.jobs.verdicts import (
    backoff,
    failure,
    final,
    missing,
    next_indexes,
    seconds_left,
    success,
    suspension,
    wanted_active,
)
from knarr.controllers.jobs.views import Job, Uncounted
from knarr.controllers.objects import BY_CONTROLLER, Condition, Pod, by_controller, omitting_zeros
from knarr.controllers.ownership import claim, label_selector, owners_of
from knarr.controllers.pods import BURST, create_all, delete_all, first_to_go
from knarr.controllers.replacing import replace
from knarr.machinery.errors import APIError
from knarr.machinery.selectors import LabelSelector
from knarr.machinery.times import format_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch


async def reconcile(context: Context, key: str) -> After | None:
    """Bring the Job a step on; what it leaves behind when it is deleted is let go."""
    job = context.cache(JOBS, Job).get(key)
    await free(context, key, job)
    if job is None:
        context.expectations.forget(key)
        context.expectations.forget(expectation(key))
        return None
    if job.finished or job.metadata.deletion_timestamp is not None:
        return None
    if job.spec.managed_by not in (None, "", "kubernetes.io/job-controller"):
        return None
    caught_up = context.expectations.satisfied(key)
    pods = await claim(context, job, JOBS, _selector(job), kind=PODS, view=Pod)
    return await _Round(context, job, pods).run(caught_up)


class _Round:
    """One reconcile of one Job."""

    def __init__(self, context: Context, job: Job, pods: Sequence[Pod]) -> None:
        self.context, self.job, self.pods = context, job, pods
        self.now = context.clock.now()
        self.counts = tally(job, pods, context.expectations.pending(expectation(job.metadata.key)))

    async def run(self, caught_up: bool) -> After | None:
        """`caught_up`: the cache shows all Pods that were started, so that more may be."""
        job, counts = self.job, self.counts
        if job.status.start_time is None and not job.spec.suspend:
            # the clock of activeDeadlineSeconds starts before the first Pod does
            await self._write(job, startTime=format_time(self.now))
            return None
        if change := suspension(job, self.now):
            await self._suspend(change)
            return None
        met = failure(job, counts, self.now) or success(job, counts, self.now)
        error, wait = None, seconds_left(job, self.now)
        if met:
            await delete_all(self.context, job, counts.active)
        elif caught_up:
            error, delay = await self._manage()
            wait = min((w for w in (wait, delay) if w), default=None)
        await self._count(met)
        if error:
            raise error
        return After(wait) if wait and wait > 0 and not met else None

    async def _suspend(self, change: Condition) -> None:
        """Stop or go on; a Job that goes on starts its clock anew."""
        resumed = change.status == "False"
        self.context.events.event(self.job, "Normal", "Resumed" if resumed else "Suspended", change.message)
        start = format_time(self.now) if resumed else None
        await self._write(self.job, startTime=start, conditions=self._conditions(change))

    async def _manage(self) -> tuple[Exception | None, float | None]:
        """Start or delete Pods; a failure is kept until the status is written. Also how long to wait before the
        next.
        """
        job, counts = self.job, self.counts
        surplus = len(counts.active) - wanted_active(job, counts)
        count = min(missing(job, counts), BURST)
        try:
            if surplus > 0:
                await delete_all(self.context, job, first_to_go(counts.active, self.now)[:surplus])
            elif count and (delay := backoff(self.pods, self.now)) > 0:
                return None, delay
            elif count:
                await create_all(self.context, job, self._bodies(count))
        except (APIError, ConnectionError, TimeoutError) as error:
            return error, None
        return None, None

    def _bodies(self, count: int) -> list[JSON]:
        if self.job.indexed:
            return [indexed_pod_of(self.job, index) for index in next_indexes(self.job, self.counts, count)]
        return [pod_of(self.job)] * count

    async def _count(self, met: Condition | None) -> None:
        """List what ended, let it go, count it; last, when nothing is left, finish."""
        job = await self._list_ended(met)
        failures = await let_go(self.context, job.metadata.key, (*self.counts.unlisted, *self.counts.listed))
        succeeded, failed, uncounted = settled(job.status, set(failures))
        done = final(met, self.now) if met and not failures and not self._at_work else None
        status = {**self._numbers(), "failed": failed, "uncountedTerminatedPods": _listed(uncounted)}
        if not self.job.indexed:
            status["succeeded"] = succeeded
        if done and done.type == "Complete":
            status["completionTime"] = format_time(self.now)
        if _differs(job, status := {**status, "conditions": self._conditions(met, done)}):
            await self._write(job, **status)
        if done:
            self._announce(done)
        for failure_ in failures.values():
            raise failure_

    async def _list_ended(self, met: Condition | None) -> Job:
        """The Job after what ended since was written down, and that it is about to finish."""
        if not self.counts.unlisted and (not met or self.job.has(met.type)):
            return self.job
        indexed: JSON = {}
        if self.job.indexed:
            indexed = {"completedIndexes": written(self.counts.completed_indexes), "succeeded": self.counts.succeeded}
        return await self._write(
            self.job,
            **self._numbers(),
            **indexed,
            conditions=self._conditions(met),
            uncountedTerminatedPods=_listed(listing(self.counts)),
        )

    @property
    def _at_work(self) -> bool:
        return bool(self.counts.active or self.counts.leaving)

    def _numbers(self) -> JSON:
        return {
            "active": len(self.counts.active),
            "ready": sum(p.ready for p in self.counts.active),
            "terminating": len(self.counts.leaving),
        }

    def _conditions(self, *fresh: Condition | None) -> list[JSON]:
        """The Job's conditions with the fresh ones in place of those of the same type."""
        new = {c.type: c for c in fresh if c}
        kept = [c for c in self.job.status.conditions if c.type not in new]
        return [_condition(c) for c in (*kept, *new.values())]

    async def _write(self, job: Job, **status: Any) -> Job:
        """Write over exactly what was read: a Pod counted on the ground of a stale status would be counted twice."""
        meta = job.metadata
        shown = {name: status[name] for name in ("ready", "terminating") if name in status}  # even when zero
        fields = omitting_zeros(**status) | shown
        change: JSON = {"metadata": {"resourceVersion": meta.resource_version}, "status": fields}
        client = self.context.client
        return await replace(client, JOBS, meta.name, change, meta.namespace, subresource="status", view=Job)

    def _announce(self, done: Condition) -> None:
        if done.type == "Complete":
            self.context.events.event(self.job, "Normal", "Completed", "Job completed")
        else:
            self.context.events.event(self.job, "Warning", done.reason, done.message)


def _differs(job: Job, status: JSON) -> bool:
    known = msgspec.json.decode(msgspec.json.encode(job.status))
    known["conditions"] = [_condition(c) for c in job.status.conditions]
    listed = {name: uids for name, uids in status["uncountedTerminatedPods"].items() if uids}
    plain = {**status, "uncountedTerminatedPods": listed}
    return any((known.get(name) or None) != (value or None) for name, value in plain.items())


def _condition(condition: Condition) -> JSON:
    """As a JobCondition, whose update time is called lastProbeTime."""
    tree: JSON = msgspec.to_builtins(condition)
    tree["lastProbeTime"] = tree.pop("lastUpdateTime", None) or tree.get("lastTransitionTime")
    return tree


def _listed(uncounted: Uncounted) -> JSON:
    """Emptied lists have to be named in a merge patch; the field itself stays, as upstream keeps it."""
    return {"succeeded": list(uncounted.succeeded) or None, "failed": list(uncounted.failed) or None}


def _selector(job: Job) -> LabelSelector:
    return label_selector(job.spec.selector)


CONTROLLER = Controller(
    name="job-controller",
    queue="job",
    source="job-controller",
    watches=(
        Watch(JOBS, Job),
        Watch(
            PODS,
            Pod,
            owners_of(JOBS, Job, _selector),
            needs_context=True,
            observe=observe,
            indexes={BY_CONTROLLER: by_controller, BY_JOB: by_job},
        ),
    ),
    reconcile=reconcile,
    workers=5,
    may={
        "jobs.batch": "get",
        "jobs.batch/finalizers": "update",
        "jobs.batch/status": "update",
        "pods": "create delete patch",
        "events": "create patch",
    },
)
