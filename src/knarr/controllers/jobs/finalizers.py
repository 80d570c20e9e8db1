"""Letting go of a Job's Pods: removing the finalizer that keeps each until it is counted.

What was let go is remembered until the cache shows it, lest a Pod be counted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from knarr.client.objects import Object
from knarr.client.resources import JOBS, PODS
from knarr.controllers.jobs.views import FINALIZER, Job, tracked
from knarr.controllers.objects import Pod
from knarr.controllers.pods import observe as observe_pods
from knarr.machinery.errors import APIError, NotFound
from knarr.runtime.context import Context

BY_JOB = "job"  # an index of Pods that still have the finalizer, by their Job's key


async def free(context: Context, key: str, job: Job | None) -> None:
    """Let go of Pods that nobody will count: their Job has gone or is finished, or it was a former one of that name."""
    over = job is None or job.finished or job.metadata.deletion_timestamp is not None
    uid = "" if job is None or over else job.metadata.uid
    waiting = context.cache(PODS, Pod).by_index(BY_JOB, key)
    failures = await let_go(context, key, [p for p in waiting if (c := p.metadata.controller) and c.uid != uid])
    for failure_ in failures.values():
        raise failure_


def expectation(key: str) -> str:
    """The key of the expectation that Pods are seen without the finalizer."""
    return f"{key}/finalizers"


async def let_go(context: Context, key: str, pods: Sequence[Pod]) -> dict[str, Exception]:
    """Remove the finalizer; the failures, by the Pod's uid."""
    expectations, expected = context.expectations, expectation(key)
    if not pods:
        return {}
    expectations.expect(expected, deletions=expectations.pending(expected) | {p.metadata.uid for p in pods})
    results = await asyncio.gather(*(_remove_finalizer(context, p) for p in pods))
    failures = {p.metadata.uid: error for p, error in zip(pods, results, strict=True) if error}
    for uid in failures:
        expectations.deleted(expected, uid)
    return failures


async def _remove_finalizer(context: Context, pod: Pod) -> Exception | None:
    meta = pod.metadata
    patch = {"metadata": {"uid": meta.uid, "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
    try:
        await context.client.patch(PODS, meta.name, patch, meta.namespace, kind="strategic")
    except NotFound:
        context.expectations.deleted(expectation(_key_of(pod)), meta.uid)
    except (APIError, ConnectionError, TimeoutError) as error:
        return error
    return None


def _key_of(pod: Pod) -> str:
    owner = pod.metadata.controller
    return f"{pod.metadata.namespace}/{owner.name if owner else ''}"


def observe(context: Context, old: Pod | None, new: Pod | None) -> None:
    """Meet the expectations: of Pods started and deleted, and of finalizers removed."""
    observe_pods(JOBS)(context, old, new)
    known = new or old
    if known and (new is None or not tracked(new)):
        context.expectations.deleted(expectation(_key_of(known)), known.metadata.uid)


def by_job(pod: Object) -> Iterable[str]:
    owner = pod.metadata.controller
    if owner and owner.kind == JOBS.kind and FINALIZER in pod.metadata.finalizers:
        return (f"{pod.metadata.namespace}/{owner.name}",)
    return ()
