"""A pod's way out: stop what runs, give back what it holds, let the API forget it; each repeated until it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from knarr.client.resources import PODS
from knarr.kubelet.cri.runtime import RuntimeFailure
from knarr.kubelet.stopping import clean_pod, stop_pod
from knarr.kubelet.tenant import Tenant
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Conflict, NotFound
from knarr.runtime.backoff import exponential

log = logging.getLogger(__name__)
RETRY_FIRST, RETRY_LONGEST = 1.0, 10.0  # seconds
Work = Callable[[], Coroutine[Any, Any, None]]


async def until_done(clock: Clock, what: str, work: Work) -> None:
    """Repeat while the runtime, the file system or the API cannot."""
    failures = 0
    while True:
        try:
            await work()
        except (RuntimeFailure, OSError, APIError, TimeoutError) as error:
            log.warning("%s, will be tried again: %s", what, error)
            await clock.sleep(exponential(RETRY_FIRST, RETRY_LONGEST, failures))
            failures += 1
        else:
            return


async def stop(tenant: Tenant, grace: int) -> None:
    what = f"pod {tenant.pod.metadata.key} not stopped"
    await until_done(tenant.services.clock, what, lambda: stop_pod(tenant, grace))
    for records in tenant.holdings.records.values():
        for record in records:
            tenant.services.probes.stop(record.id)


async def clean(tenant: Tenant) -> None:
    what = f"pod {tenant.pod.metadata.key} not cleaned up"
    await until_done(tenant.services.clock, what, lambda: clean_pod(tenant))


async def confirm(tenant: Tenant) -> None:
    """Everything is gone: the API may forget the pod, if it still is this one."""
    await tenant.services.publisher.flush(tenant.pod.uid)
    what = f"pod {tenant.pod.metadata.key} not deleted"
    await until_done(tenant.services.clock, what, lambda: delete(tenant))


async def delete(tenant: Tenant) -> None:
    meta = tenant.pod.metadata
    if tenant.removed:
        return
    try:
        await tenant.services.client.delete(PODS, meta.name, meta.namespace, grace=0, uid=meta.uid)
    except (NotFound, Conflict):
        return
