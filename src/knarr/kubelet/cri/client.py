"""The Runtime protocol over CRI v1 (k8s.io/cri-api, pkg/apis/runtime/v1/api.proto), for containerd and CRI-O."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeVar

from google.protobuf.message import Message

from knarr.kubelet.cri import decode, encode, events
from knarr.kubelet.cri.messages import cri
from knarr.kubelet.cri.runtime import (
    ContainerConfig,
    ContainerRecord,
    ContainerStats,
    Credentials,
    ExecResult,
    Image,
    NotFoundInRuntime,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeState,
    RuntimeUnavailable,
    Sandbox,
    SandboxConfig,
    Version,
)
from knarr.machinery.clock import Clock
from knarr.runtime.backoff import exponential
from knarr.wire.grpc import CallError, Channel

M = TypeVar("M", bound=Message)
UID_LABEL = "io.kubernetes.pod.uid"
CALL_TIMEOUT = 120.0  # seconds, upstream's --runtime-request-timeout
FIRST_RECONNECT, LAST_RECONNECT = 0.05, 1.0  # seconds between attempts to subscribe again
FAILURES = {"NotFound": NotFoundInRuntime, "Unavailable": RuntimeUnavailable}


def failure(error: CallError) -> RuntimeFailure:
    """A call's failure as the kubelet knows it."""
    return FAILURES.get(error.code, RuntimeFailure)(error.code, error.message)


class CRIRuntime:
    """A container runtime behind a unix socket."""

    def __init__(self, socket: str, clock: Clock) -> None:
        self.clock = clock
        self.channel = Channel(socket)
        self.event_channel = Channel(socket, {"containerd-namespace": events.NAMESPACE})

    async def call(self, method: str, request: Message, answer: type[M], timeout: float | None = CALL_TIMEOUT) -> M:
        """A method of RuntimeService, or of ImageService where named with it."""
        service = "" if "/" in method else "RuntimeService/"
        try:
            data = await self.channel.unary(f"/runtime.v1.{service}{method}", request.SerializeToString(), timeout)
        except CallError as error:
            raise failure(error) from None
        return answer.FromString(data)

    async def version(self) -> Version:
        answer = await self.call("Version", cri.VersionRequest(), cri.VersionResponse)
        return Version(answer.runtime_name, answer.runtime_version, answer.runtime_api_version)

    async def state(self) -> RuntimeState:
        answer = await self.call("Status", cri.StatusRequest(), cri.StatusResponse)
        return decode.runtime_state(answer.status)

    async def set_pod_cidr(self, cidr: str) -> None:
        config = cri.RuntimeConfig(network_config=cri.NetworkConfig(pod_cidr=cidr))
        request = cri.UpdateRuntimeConfigRequest(runtime_config=config)
        await self.call("UpdateRuntimeConfig", request, cri.UpdateRuntimeConfigResponse)

    async def run_sandbox(self, config: SandboxConfig) -> str:
        request = cri.RunPodSandboxRequest(config=encode.sandbox_config(config), runtime_handler=config.runtime_handler)
        answer = await self.call("RunPodSandbox", request, cri.RunPodSandboxResponse, 2 * CALL_TIMEOUT)
        return answer.pod_sandbox_id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        request = cri.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self.call("StopPodSandbox", request, cri.StopPodSandboxResponse)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        request = cri.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self.call("RemovePodSandbox", request, cri.RemovePodSandboxResponse)

    async def sandboxes(self, uid: str = "") -> list[Sandbox]:
        wanted = cri.PodSandboxFilter(label_selector={UID_LABEL: uid} if uid else {})
        request = cri.ListPodSandboxRequest(filter=wanted)
        answer = await self.call("ListPodSandbox", request, cri.ListPodSandboxResponse)
        return [decode.sandbox(item) for item in answer.items]

    async def sandbox_status(self, sandbox_id: str) -> Sandbox:
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        answer = await self.call("PodSandboxStatus", request, cri.PodSandboxStatusResponse)
        return decode.sandbox_status(answer.status)

    async def create_container(self, sandbox_id: str, config: ContainerConfig, sandbox: SandboxConfig) -> str:
        request = cri.CreateContainerRequest(
            pod_sandbox_id=sandbox_id,
            config=encode.container_config(config),
            sandbox_config=encode.sandbox_config(sandbox),
        )
        answer = await self.call("CreateContainer", request, cri.CreateContainerResponse)
        return answer.container_id

    async def start_container(self, container_id: str) -> None:
        request = cri.StartContainerRequest(container_id=container_id)
        await self.call("StartContainer", request, cri.StartContainerResponse)

    async def stop_container(self, container_id: str, timeout: int) -> None:
        request = cri.StopContainerRequest(container_id=container_id, timeout=timeout)
        await self.call("StopContainer", request, cri.StopContainerResponse, timeout + CALL_TIMEOUT)

    async def remove_container(self, container_id: str) -> None:
        request = cri.RemoveContainerRequest(container_id=container_id)
        await self.call("RemoveContainer", request, cri.RemoveContainerResponse)

    async def containers(self, uid: str = "") -> list[ContainerRecord]:
        wanted = cri.ContainerFilter(label_selector={UID_LABEL: uid} if uid else {})
        request = cri.ListContainersRequest(filter=wanted)
        answer = await self.call("ListContainers", request, cri.ListContainersResponse)
        return [decode.container(item) for item in answer.containers]

    async def container_status(self, container_id: str) -> ContainerRecord:
        request = cri.ContainerStatusRequest(container_id=container_id)
        answer = await self.call("ContainerStatus", request, cri.ContainerStatusResponse)
        return decode.container_status(answer.status)

    async def reopen_log(self, container_id: str) -> None:
        request = cri.ReopenContainerLogRequest(container_id=container_id)
        await self.call("ReopenContainerLog", request, cri.ReopenContainerLogResponse)

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        request = cri.ExecSyncRequest(container_id=container_id, cmd=command, timeout=math.ceil(timeout))
        answer = await self.call("ExecSync", request, cri.ExecSyncResponse, timeout + 1)
        return ExecResult(answer.exit_code, answer.stdout, answer.stderr)

    async def exec_url(
        self, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> str:
        request = cri.ExecRequest(
            container_id=container_id, cmd=command, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty
        )
        return (await self.call("Exec", request, cri.ExecResponse)).url

    async def attach_url(self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str:
        request = cri.AttachRequest(container_id=container_id, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
        return (await self.call("Attach", request, cri.AttachResponse)).url

    async def port_forward_url(self, sandbox_id: str, ports: Sequence[int]) -> str:
        request = cri.PortForwardRequest(pod_sandbox_id=sandbox_id, port=ports)
        return (await self.call("PortForward", request, cri.PortForwardResponse)).url

    async def image(self, reference: str) -> Image | None:
        request = cri.ImageStatusRequest(image=cri.ImageSpec(image=reference))
        answer = await self.call("ImageService/ImageStatus", request, cri.ImageStatusResponse)
        return decode.image(answer.image) if answer.HasField("image") else None

    async def images(self) -> list[Image]:
        answer = await self.call("ImageService/ListImages", cri.ListImagesRequest(), cri.ListImagesResponse)
        return [decode.image(item) for item in answer.images]

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        request = cri.PullImageRequest(image=cri.ImageSpec(image=reference), auth=encode.credentials(credentials))
        answer = await self.call("ImageService/PullImage", request, cri.PullImageResponse, None)
        return answer.image_ref

    async def remove_image(self, image_id: str) -> None:
        request = cri.RemoveImageRequest(image=cri.ImageSpec(image=image_id))
        await self.call("ImageService/RemoveImage", request, cri.RemoveImageResponse)

    async def stats(self) -> list[ContainerStats]:
        request = cri.ListContainerStatsRequest()
        answer = await self.call("ListContainerStats", request, cri.ListContainerStatsResponse)
        return [decode.stats(item) for item in answer.stats]

    async def filesystem_usage(self) -> tuple[str, int]:
        answer = await self.call("ImageService/ImageFsInfo", cri.ImageFsInfoRequest(), cri.ImageFsInfoResponse)
        usage = answer.image_filesystems[0] if answer.image_filesystems else cri.FilesystemUsage()
        return usage.fs_id.mountpoint, usage.used_bytes.value

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        failures = 0
        while True:
            try:
                async with aclosing(self.subscription()) as subscription:
                    async for event in subscription:
                        failures = 0
                        yield event
            except CallError:
                await self.clock.sleep(exponential(FIRST_RECONNECT, LAST_RECONNECT, failures))
                failures += 1

    async def subscription(self) -> AsyncGenerator[RuntimeEvent]:
        """Events until it breaks; before them an empty one, when none can be missed any more. Raises CallError."""
        call = await self.event_channel.begin(events.SUBSCRIBE)
        try:
            call.send(events.subscription(), last=True)
            await self.answers(self.event_channel)
            yield RuntimeEvent()
            while (envelope := await call.receive()) is not None:
                if event := events.decode(envelope):
                    yield event
        finally:
            call.cancel()

    async def answers(self, channel: Channel) -> None:
        """A round trip: what was sent on the channel before has been read by the runtime."""
        await channel.unary("/runtime.v1.RuntimeService/Version", b"", CALL_TIMEOUT)

    async def close(self) -> None:
        await self.channel.close()
        await self.event_channel.close()
