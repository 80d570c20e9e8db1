"""Starting what a pod needs: its ground (cgroup, sandbox, volumes), then one container at a time.

The sandbox, the volumes and the images are got ready side by side; a container waits for all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from knarr.kubelet.containers import container_config, message_file, volume_mounts
from knarr.kubelet.cri.runtime import BindMount, ContainerConfig, ContainerRecord, ContainerState, Image, SandboxConfig
from knarr.kubelet.dns import hosts_file
from knarr.kubelet.holdings import Holdings, read_container
from knarr.kubelet.hooks import LONGEST, HookError, run_hook
from knarr.kubelet.interfaces import Addresses, Mount
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.sandboxes import pod_log_directory, sandbox_config
from knarr.kubelet.services import Services

HOSTS = "/etc/hosts"


def addresses_of(pod: Pod, holdings: Holdings, services: Services) -> Addresses:
    host = services.options.node_ips
    if holdings.sandbox is None:
        return Addresses((), host)
    return Addresses(host if pod.spec.host_network else holdings.sandbox.ips, host)


async def prepare(pod: Pod, holdings: Holdings, services: Services) -> Mapping[str, Mount]:
    """A living sandbox and all volumes mounted, idempotently. Raises RuntimeFailure, VolumeError, OSError."""
    sandbox, mounts = await asyncio.gather(
        ensure_sandbox(pod, holdings, services), services.volumes.mount(pod), return_exceptions=True
    )
    for outcome in (sandbox, mounts):
        if isinstance(outcome, BaseException):
            raise outcome
    assert not isinstance(mounts, BaseException)
    return mounts


def current_config(pod: Pod, holdings: Holdings, services: Services, attempt: int) -> SandboxConfig:
    parent = services.cgroups.create(pod)
    return sandbox_config(pod, services.options, parent, attempt)


async def ensure_sandbox(pod: Pod, holdings: Holdings, services: Services) -> None:
    old = holdings.sandbox
    if old and old.ready:
        return
    pod_log_directory(pod, services.options).mkdir(parents=True, exist_ok=True)
    config = current_config(pod, holdings, services, old.attempt + 1 if old else 0)
    sandbox_id = await services.runtime.run_sandbox(config)
    holdings.sandbox = await services.runtime.sandbox_status(sandbox_id)


async def start_container(
    pod: Pod,
    container: Container,
    holdings: Holdings,
    services: Services,
    image: Image,
    mounts: Mapping[str, Mount],
    attempt: int,
) -> None:
    """Create and start it, then run its postStart hook. Raises RuntimeFailure, ConfigError, HookError."""
    sandbox = holdings.sandbox
    assert sandbox
    addresses = addresses_of(pod, holdings, services)
    config = await configure(pod, container, services, image, mounts, addresses, attempt)
    around = current_config(pod, holdings, services, sandbox.attempt)
    container_id = await services.runtime.create_container(sandbox.id, config, around)
    holdings.put(created(container_id, sandbox.id, config))  # so that an exit at once finds its pod
    services.tell(pod, "Normal", "Created", "Container created", container)
    await services.runtime.start_container(container_id)
    services.tell(pod, "Normal", "Started", "Container started", container)
    await read_container(services.runtime, services.options, holdings, sandbox.id, container_id)
    if hook := container.lifecycle.post_start:
        await run_hook(services.runtime, services.clock, container, container_id, addresses.pod_ip, hook, LONGEST)


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
    pod: Pod,
    container: Container,
    services: Services,
    image: Image,
    mounts: Mapping[str, Mount],
    addresses: Addresses,
    attempt: int,
) -> ContainerConfig:
    variables = await services.environments.environment_of(pod, container, addresses)
    binds = await volume_mounts(pod, container, services.volumes, mounts, variables)
    binds += own_mounts(pod, container, services, addresses, attempt)
    return container_config(
        pod, container, services.options, image=image, attempt=attempt, variables=variables, mounts=binds
    )


def own_mounts(
    pod: Pod, container: Container, services: Services, addresses: Addresses, attempt: int
) -> list[BindMount]:
    """/etc/hosts, unless the container has its own, and the file for the termination message."""
    binds = []
    if not any(mount.mount_path == HOSTS for mount in container.volume_mounts):
        file = services.options.pod_directory(pod.uid) / "etc-hosts"
        host = Path(HOSTS).read_text() if pod.spec.host_network else ""
        write(file, hosts_file(pod, addresses, services.options.dns.domain, host), 0o644)
        binds.append(BindMount(HOSTS, str(file)))
    if container.termination_message_path:
        message = Path(message_file(pod, container, attempt, services.options))
        write(message, "", 0o666)
        binds.append(BindMount(container.termination_message_path, str(message)))
    return binds


def write(file: Path, text: str, mode: int) -> None:
    """In place: the file may be mounted into running containers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


__all__ = ["HookError", "addresses_of", "prepare", "start_container"]
