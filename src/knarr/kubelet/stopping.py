"""Stopping containers gracefully, and giving back all that a pod holds on the node."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable

from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, NotFoundInRuntime
from knarr.kubelet.holdings import Holdings, read_all, read_exited
from knarr.kubelet.hooks import HookError, run_hook
from knarr.kubelet.objects import Container
from knarr.kubelet.plan import is_sidecar
from knarr.kubelet.sandboxes import pod_log_directory
from knarr.kubelet.services import Services
from knarr.kubelet.tenant import Tenant

LEAST_GRACE = 2  # seconds between SIGTERM and SIGKILL that a long preStop hook leaves


async def stop_container(
    tenant: Tenant, container: Container | None, record: ContainerRecord, grace: int, message: str
) -> None:
    """preStop, SIGTERM, SIGKILL, all within `grace` seconds; then learn how it ended. Raises RuntimeFailure."""
    services, holdings = tenant.services, tenant.holdings
    tenant.tell("Normal", "Killing", message, container)
    if container and container.lifecycle.pre_stop and grace > 0:
        grace = await run_pre_stop(tenant, container, record, grace)
    try:
        await services.runtime.stop_container(record.id, grace)
    except NotFoundInRuntime:
        holdings.drop(record)
        return
    services.probes.stop(record.id)
    await read_exited(services.runtime, services.clock, services.options, holdings, record)


async def run_pre_stop(tenant: Tenant, container: Container, record: ContainerRecord, grace: int) -> int:
    """Run the hook; returns the seconds that it leaves of the grace."""
    services, hook = tenant.services, container.lifecycle.pre_stop
    assert hook
    begun, address = services.clock.monotonic(), tenant.addresses.pod_ip
    try:
        await run_hook(services.runtime, services.clock, container, record.id, address, hook, grace)
    except HookError as error:
        tenant.tell("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container)
    return max(LEAST_GRACE, round(grace - (services.clock.monotonic() - begun)))


async def stop_pod(tenant: Tenant, grace: int) -> None:
    """App containers at once, then sidecars from last to first, then the sandboxes. Raises RuntimeFailure."""
    pod, clock = tenant.pod, tenant.services.clock
    await read_all(tenant.services.runtime, tenant.services.options, tenant.holdings)
    begun = clock.monotonic()
    for wave in waves(tenant):
        left = max(0, round(grace - (clock.monotonic() - begun)))
        known = {container.name: container for container in pod.spec.all_containers}
        await asyncio.gather(
            *(stop_container(tenant, known.get(r.name), r, left, f"Stopping container {r.name}") for r in wave)
        )
    await stop_sandboxes(tenant)


def waves(tenant: Tenant) -> list[list[ContainerRecord]]:
    """What runs, in the order in which it is stopped."""
    running = tenant.holdings.running()
    sidecars = [container.name for container in tenant.pod.spec.init_containers if is_sidecar(container)]
    first = [record for record in running if record.name not in sidecars]
    return [first, *([record for record in running if record.name == name] for name in reversed(sidecars))]


async def stop_sandboxes(tenant: Tenant) -> None:
    """Take networks down, and whatever still runs inside. Raises RuntimeFailure."""
    runtime = tenant.services.runtime
    for sandbox in await runtime.sandboxes(tenant.holdings.uid):
        await runtime.stop_sandbox(sandbox.id)
    await read_all(runtime, tenant.services.options, tenant.holdings)


async def discard_stillborn(tenant: Tenant) -> None:
    """Remove sandboxes that never lived, which keep their names; attempts are counted on from them.

    Raises RuntimeFailure.
    """
    runtime, holdings = tenant.services.runtime, tenant.holdings
    await read_all(runtime, tenant.services.options, holdings)
    used = {record.sandbox_id for records in holdings.records.values() for record in records}
    for sandbox in await runtime.sandboxes(holdings.uid):
        if not sandbox.ready and sandbox.id not in used:
            await runtime.stop_sandbox(sandbox.id)
            await runtime.remove_sandbox(sandbox.id)


async def clean_pod(tenant: Tenant) -> None:
    """Remove containers, sandboxes, volumes, cgroup, files. Raises RuntimeFailure, OSError; safe to repeat."""
    services, uid = tenant.services, tenant.holdings.uid
    for record in await services.runtime.containers(uid):
        await services.runtime.remove_container(record.id)
    for sandbox in await services.runtime.sandboxes(uid):
        await services.runtime.remove_sandbox(sandbox.id)
    await services.volumes.unmount(uid)
    services.cgroups.remove(uid)
    shutil.rmtree(pod_log_directory(tenant.pod, services.options), ignore_errors=True)


async def prune(holdings: Holdings, services: Services, keep: int = 1) -> None:
    """Of each container, only the newest life and `keep` dead ones before it stay, with their logs."""
    for records in list(holdings.records.values()):
        for record in excess(records, keep):
            await services.runtime.remove_container(record.id)
            holdings.drop(record)


def excess(records: list[ContainerRecord], keep: int) -> Iterable[ContainerRecord]:
    return [record for record in records[1 + keep :] if record.state is not ContainerState.RUNNING]
