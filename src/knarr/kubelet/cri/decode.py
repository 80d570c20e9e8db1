"""From CRI messages to the kubelet's values."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.kubelet.cri.messages import cri
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, ContainerStats, Image, RuntimeState, Sandbox


def sandbox(listed: cri.PodSandbox | cri.PodSandboxStatus, ips: Iterable[str] = ()) -> Sandbox:
    return Sandbox(
        id=listed.id,
        name=listed.metadata.name,
        namespace=listed.metadata.namespace,
        uid=listed.metadata.uid,
        attempt=listed.metadata.attempt,
        ready=listed.state == cri.SANDBOX_READY,
        created_at=listed.created_at,
        labels=dict(listed.labels),
        annotations=dict(listed.annotations),
        ips=tuple(ips),
    )


def sandbox_status(status: cri.PodSandboxStatus) -> Sandbox:
    ips = [status.network.ip, *(extra.ip for extra in status.network.additional_ips)]
    return sandbox(status, filter(None, ips))


def container(listed: cri.Container) -> ContainerRecord:
    return ContainerRecord(
        id=listed.id,
        name=listed.metadata.name,
        sandbox_id=listed.pod_sandbox_id,
        state=ContainerState(listed.state),
        attempt=listed.metadata.attempt,
        image=listed.image.image,
        image_ref=listed.image_ref,
        created_at=listed.created_at,
        labels=dict(listed.labels),
        annotations=dict(listed.annotations),
    )


def container_status(status: cri.ContainerStatus, sandbox_id: str = "") -> ContainerRecord:
    return ContainerRecord(
        id=status.id,
        name=status.metadata.name,
        sandbox_id=sandbox_id,
        state=ContainerState(status.state),
        attempt=status.metadata.attempt,
        image=status.image.image,
        image_ref=status.image_ref,
        created_at=status.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        log_path=status.log_path,
        labels=dict(status.labels),
        annotations=dict(status.annotations),
    )


def image(found: cri.Image) -> Image:
    return Image(
        id=found.id,
        tags=tuple(found.repo_tags),
        digests=tuple(found.repo_digests),
        size=found.size,
        uid=found.uid.value if found.HasField("uid") else None,
        username=found.username,
        pinned=found.pinned,
    )


def stats(found: cri.ContainerStats) -> ContainerStats:
    return ContainerStats(
        id=found.attributes.id,
        labels=dict(found.attributes.labels),
        timestamp=found.cpu.timestamp or found.memory.timestamp,
        cpu_usage=found.cpu.usage_core_nano_seconds.value,
        memory_working_set=found.memory.working_set_bytes.value,
        memory_usage=found.memory.usage_bytes.value,
        memory_rss=found.memory.rss_bytes.value,
        disk_used=found.writable_layer.used_bytes.value,
        inodes_used=found.writable_layer.inodes_used.value,
    )


def runtime_state(status: cri.RuntimeStatus) -> RuntimeState:
    conditions = {condition.type: condition for condition in status.conditions}
    runtime, network = conditions.get("RuntimeReady"), conditions.get("NetworkReady")
    return RuntimeState(
        ready=bool(runtime and runtime.status),
        network_ready=bool(network and network.status),
        message=runtime.message if runtime else "",
        network_message=network.message if network else "",
    )
