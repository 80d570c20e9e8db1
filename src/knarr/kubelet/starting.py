"""Starting what a pod needs: its ground (cgroup, sandbox, volumes), then one container at a time.

The sandbox, the volumes and the images are got ready side by side; a container waits for all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from knarr.client.objects import Object
from knarr.client.resources import RUNTIME_CLASSES
from knarr.kubelet.containers import container_config, message_file, volume_mounts
from knarr.kubelet.cri.runtime import (
    BindMount,
    ContainerConfig,
    ContainerRecord,
    ContainerState,
    Image,
    SandboxConfig,
)
from knarr.kubelet.dns import hosts_file
from knarr.kubelet.holdings import read_container
from knarr.kubelet.hooks import LONGEST, run_hook
from knarr.kubelet.interfaces import ConfigError, Mount
from knarr.kubelet.objects import Container, EphemeralContainer
from knarr.kubelet.refusals import check_users
from knarr.kubelet.sandboxes import pod_log_directory, sandbox_config
from knarr.kubelet.tenant import Tenant
from knarr.machinery.errors import APIError

HOSTS = "/etc/hosts"


class RuntimeClass(Object, frozen=True):
    handler: str = ""


async def prepare(tenant: Tenant) -> Mapping[str, Mount]:
    """A living sandbox and all volumes mounted, idempotently.

    Raises RuntimeFailure, ConfigError, VolumeError, OSError.
    """
    sandbox, mounts = await asyncio.gather(
        ensure_sandbox(tenant), tenant.services.volumes.mount(tenant.pod), return_exceptions=True
    )
    if isinstance(sandbox, BaseException):
        raise sandbox
    if isinstance(mounts, BaseException):
        raise mounts
    return mounts


def around(tenant: Tenant, attempt: int) -> SandboxConfig:
    """The sandbox's configuration, its cgroup made. Raises ConfigError, OSError."""
    check_users(tenant.pod)
    parent = tenant.services.cgroups.create(tenant.pod)
    return sandbox_config(tenant.pod, tenant.services.options, parent, attempt)


async def ensure_sandbox(tenant: Tenant) -> None:
    if tenant.grounded:
        return
    old, runtime = tenant.holdings.sandbox, tenant.services.runtime
    pod_log_directory(tenant.pod, tenant.services.options).mkdir(parents=True, exist_ok=True)
    config = around(tenant, old.attempt + 1 if old else 0)
    sandbox_id = await runtime.run_sandbox(replace(config, runtime_handler=await runtime_handler(tenant)))
    tenant.holdings.sandbox = await runtime.sandbox_status(sandbox_id)


async def runtime_handler(tenant: Tenant) -> str:
    """Which of the runtime's handlers the pod's RuntimeClass names; "" is its default. Raises ConfigError."""
    name = tenant.pod.spec.runtime_class_name
    if not name:
        return ""
    try:
        return (await tenant.services.client.get(RUNTIME_CLASSES, name, view=RuntimeClass)).handler
    except (APIError, ConnectionError, TimeoutError) as error:
        raise ConfigError(f'failed to get RuntimeClass "{name}": {error}') from error


async def start_container(
    tenant: Tenant, container: Container, image: Image, mounts: Mapping[str, Mount], attempt: int
) -> None:
    """Create and start it, then run its postStart hook. Raises RuntimeFailure, ConfigError, HookError, OSError."""
    services, holdings, sandbox = tenant.services, tenant.holdings, tenant.holdings.sandbox
    assert sandbox
    config = await configure(tenant, container, image, mounts, attempt)
    container_id = await services.runtime.create_container(sandbox.id, config, around(tenant, sandbox.attempt))
    holdings.put(created(container_id, sandbox.id, config))  # so that an exit at once finds its pod
    tenant.tell("Normal", "Created", "Container created", container)
    await services.runtime.start_container(container_id)
    tenant.tell("Normal", "Started", "Container started", container)
    await read_container(services.runtime, services.options, holdings, sandbox.id, container_id)
    if hook := container.lifecycle.post_start:
        address = tenant.addresses.pod_ip
        await run_hook(services.runtime, services.clock, container, container_id, address, hook, LONGEST)


def created(container_id: str, sandbox_id: str, config: ContainerConfig) -> ContainerRecord:
    return ContainerRecord(
        id=container_id,
        name=config.name,
        sandbox_id=sandbox_id,
        state=ContainerState.CREATED,
        attempt=config.attempt,
        labels=config.labels,
        annotations=config.annotations,
    )


async def configure(
    tenant: Tenant, container: Container, image: Image, mounts: Mapping[str, Mount], attempt: int
) -> ContainerConfig:
    pod, services = tenant.pod, tenant.services
    variables = await services.environments.environment_of(pod, container, tenant.addresses)
    binds = await volume_mounts(pod, container, services.volumes, mounts, variables)
    binds += own_mounts(tenant, container, attempt)
    return container_config(
        pod,
        container,
        services.options,
        image=image,
        attempt=attempt,
        variables=variables,
        mounts=binds,
        target=target_of(tenant, container),
    )


def target_of(tenant: Tenant, container: Container) -> str:
    """The ID of the container that an ephemeral one is to look into. Raises ConfigError where it never ran."""
    name = container.target_container_name if isinstance(container, EphemeralContainer) else ""
    records = tenant.holdings.records.get(name, ())
    if name and not records:
        raise ConfigError(f"unable to find target container {name}")
    return records[0].id if records else ""


def own_mounts(tenant: Tenant, container: Container, attempt: int) -> list[BindMount]:
    """/etc/hosts, unless the container has its own, and the file for the termination message."""
    pod, options, binds = tenant.pod, tenant.services.options, []
    if not any(mount.mount_path == HOSTS for mount in container.volume_mounts):
        file = options.pod_directory(pod.uid) / "etc-hosts"
        host = Path(HOSTS).read_text() if pod.spec.host_network else ""
        write(file, hosts_file(pod, tenant.addresses, options.dns.domain, host), 0o644)
        binds.append(BindMount(HOSTS, str(file)))
    if container.termination_message_path:
        message = Path(message_file(pod, container, attempt, options))
        write(message, "", 0o666)
        binds.append(BindMount(container.termination_message_path, str(message)))
    return binds


def write(file: Path, text: str, mode: int) -> None:
    """In place: the file may be mounted into running containers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
