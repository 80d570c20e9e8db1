"""A runtime that does what a test says, and a recorder that remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from knarr.kubelet.cri.runtime import (
    ContainerRecord,
    ContainerState,
    ContainerStats,
    ExecResult,
    Image,
    RuntimeFailure,
    RuntimeState,
    Version,
)


@dataclass
class FakeRuntime:
    """The calls of the Runtime protocol that the edge of the kubelet makes."""

    exec_results: list[ExecResult | RuntimeFailure] = field(default_factory=list)
    executed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    now: RuntimeState | RuntimeFailure = field(default_factory=lambda: RuntimeState(True, True))
    running: bool = True
    stream_url: str = ""
    streamed: list[Any] = field(default_factory=list)
    pod_cidrs: list[str] = field(default_factory=list)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        self.executed.append((container_id, tuple(command)))
        result = self.exec_results.pop(0) if len(self.exec_results) > 1 else self.exec_results[0]
        if isinstance(result, RuntimeFailure):
            raise result
        return result

    async def state(self) -> RuntimeState:
        if isinstance(self.now, RuntimeFailure):
            raise self.now
        return self.now

    async def version(self) -> Version:
        return Version("containerd", "1.6.20")

    async def set_pod_cidr(self, cidr: str) -> None:
        self.pod_cidrs.append(cidr)

    async def images(self) -> list[Image]:
        return [Image("sha256:1", ("small:1",), (), 10), Image("sha256:2", ("big:1",), ("big@sha256:2",), 20)]

    async def container_status(self, container_id: str) -> ContainerRecord:
        state = ContainerState.RUNNING if self.running else ContainerState.EXITED
        return ContainerRecord(container_id, "app", "s1", state)

    async def containers(self) -> list[ContainerRecord]:
        return [await self.container_status("c1")]

    async def stats(self) -> list[ContainerStats]:
        labels = {"io.kubernetes.pod.uid": "u1", "io.kubernetes.container.name": "app"}
        return [ContainerStats("c1", labels, 1_767_225_600_000_000_000, 5_000, 4096)]

    async def exec_url(self, container_id: str, command: Sequence[str], **streams: bool) -> str:
        self.streamed.append((container_id, tuple(command), streams))
        return self.stream_url

    async def attach_url(self, container_id: str, **streams: bool) -> str:
        self.streamed.append((container_id, streams))
        return self.stream_url

    async def port_forward_url(self, sandbox_id: str, ports: Sequence[int]) -> str:
        self.streamed.append((sandbox_id, tuple(ports)))
        return self.stream_url


@dataclass
class Recorded:
    """Events as (type, reason, message, fieldPath)."""

    events: list[tuple[str, str, str, str]] = field(default_factory=list)

    def event(self, about: dict[str, str], type: str, reason: str, message: str) -> None:
        self.events.append((type, reason, message, about["fieldPath"]))
