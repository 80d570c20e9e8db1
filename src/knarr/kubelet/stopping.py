"""Stopping containers gracefully, and giving back all that a pod holds on the node."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable

from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, NotFoundInRuntime
from knarr.kubelet.holdings import Holdings, read_all, read_exited
from knarr.kubelet.hooks import HookError, run_hook
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.plan import is_sidecar
from knarr.kubelet.resources import containers_of
from knarr.kubelet.sandboxes import pod_log_directory
from knarr.kubelet.services import Services
from knarr.kubelet.starting import addresses_of

LEAST_GRACE = 2  # seconds between SIGTERM and SIGKILL that a long preStop hook leaves


async def stop_container(
    pod: Pod,
    container: Container | None,
    record: ContainerRecord,
    holdings: Holdings,
    services: Services,
    grace: int,
    message: str,
) -> None:
    """preStop, SIGTERM, SIGKILL, all within `grace` seconds; then learn how it ended. Raises RuntimeFailure."""
    services.tell(pod, "Normal", "Killing", message, container)
    begun = services.clock.monotonic()
    hook = container.lifecycle.pre_stop if container else None
    if container and hook and grace > 0:
        address = addresses_of(pod, holdings, services).pod_ip
        try:
            await run_hook(services.runtime, services.clock, container, record.id, address, hook, grace)
        except HookError as error:
            services.tell(pod, "Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container)
        grace = max(LEAST_GRACE, round(grace - (services.clock.monotonic() - begun)))
    try:
        await services.runtime.stop_container(record.id, grace)
    except NotFoundInRuntime:
        holdings.drop(record)
        return
    services.probes.stop(record.id)
    await read_exited(services.runtime, services.clock, services.options, holdings, record)


async def stop_pod(pod: Pod, holdings: Holdings, services: Services, grace: int) -> None:
    """App containers at once, then sidecars from last to first, then the sandboxes. Raises RuntimeFailure."""
    await read_all(services.runtime, services.options, holdings)
    known = {container.name: container for container in containers_of(pod)}
    sidecars = [container.name for container in pod.spec.init_containers if is_sidecar(container)]
    begun = services.clock.monotonic()
    running = holdings.running()
    first = [record for record in running if record.name not in sidecars]
    for wave in (first, *([r for r in running if r.name == name] for name in reversed(sidecars))):
        left = max(0, round(grace - (services.clock.monotonic() - begun)))
        await asyncio.gather(
            *(
                stop_container(pod, known.get(r.name), r, holdings, services, left, f"Stopping container {r.name}")
                for r in wave
            )
        )
    await stop_sandboxes(holdings, services)


async def stop_sandboxes(holdings: Holdings, services: Services) -> None:
    """Take networks down, and whatever still runs inside."""
    for sandbox in await services.runtime.sandboxes(holdings.uid):
        await services.runtime.stop_sandbox(sandbox.id)
    await read_all(services.runtime, services.options, holdings)


async def clean_pod(pod: Pod, holdings: Holdings, services: Services) -> None:
    """Remove containers, sandboxes, volumes, cgroup, files. Raises RuntimeFailure, OSError; safe to repeat."""
    runtime = services.runtime
    for record in await runtime.containers(holdings.uid):
        await runtime.remove_container(record.id)
    for sandbox in await runtime.sandboxes(holdings.uid):
        await runtime.remove_sandbox(sandbox.id)
    await services.volumes.unmount(holdings.uid)
    services.cgroups.remove(holdings.uid)
    shutil.rmtree(pod_log_directory(pod, services.options), ignore_errors=True)


async def prune(holdings: Holdings, services: Services, keep: int = 1) -> None:
    """Of each container, only the newest life and `keep` dead ones before it stay, with their logs."""
    for records in list(holdings.records.values()):
        for record in excess(records, keep):
            await services.runtime.remove_container(record.id)
            holdings.drop(record)


def excess(records: list[ContainerRecord], keep: int) -> Iterable[ContainerRecord]:
    return [record for record in records[1 + keep :] if record.state is not ContainerState.RUNNING]
