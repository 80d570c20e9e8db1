"""The Runtime protocol: what the kubelet needs of a container runtime, in values of its own.

Shaped after CRI v1 (k8s.io/cri-api), reduced to what the kubelet says and reads; cri/client.py speaks it to containerd
and CRI-O, a simulated runtime in testing/ implements it in memory. Times are Unix nanoseconds, 0 where unset.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class RuntimeFailure(Exception):
    """The runtime refused or failed: `code` is the gRPC status code's name, the text the runtime's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"rpc error: code = {self.code} desc = {self.message}"


class NotFoundInRuntime(RuntimeFailure):
    """There is no such sandbox, container or image."""


class RuntimeUnavailable(RuntimeFailure):
    """The runtime does not answer: not started yet, gone, or the connection broke."""


class ContainerState(Enum):
    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class PortMapping:
    container_port: int
    host_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class DNS:
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Which namespaces of the host are shared; `share_pid`: one PID namespace for the whole pod.

    `target` is the ID of the container whose PID namespace one joins that would have its own.
    """

    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_pid: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class Seccomp:
    """`RuntimeDefault`, `Unconfined`, or `Localhost` with the profile's path."""

    type: str = "Unconfined"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """AppArmor's: a type as seccomp's, and for `Localhost` the name of a profile that the kernel has."""

    type: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    privileged: bool = False
    read_only_root: bool = False
    no_new_privileges: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    seccomp: Seccomp = Seccomp()
    app_armor: Profile | None = None
    unmasked_proc: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Linux resources in the kernel's units: 0 means unset (bytes, microseconds, cgroup v1 shares)."""

    cpu_shares: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    memory: int = 0
    oom_score_adj: int = 0
    cpuset: str = ""


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    name: str
    namespace: str
    uid: str
    attempt: int = 0
    hostname: str = ""
    log_directory: str = ""
    dns: DNS | None = None
    ports: tuple[PortMapping, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    namespaces: Namespaces = Namespaces()
    security: Security = Security()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    runtime_handler: str = ""


@dataclass(frozen=True, slots=True)
class BindMount:
    container_path: str
    host_path: str
    read_only: bool = False
    propagation: str = "None"


@dataclass(frozen=True, slots=True)
class ContainerConfig:
    name: str
    image: str  # the image's ID or reference, as PullImage or ImageStatus answered
    user_image: str = ""  # what the pod says
    attempt: int = 0
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    environment: Sequence[tuple[str, str]] = ()
    mounts: Sequence[BindMount] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_path: str = ""  # relative to the sandbox's log directory
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    limits: Limits = Limits()
    security: Security = Security()
    namespaces: Namespaces = Namespaces()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod sandbox as listed; `ips` only as `sandbox_status` tells them."""

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int = 0
    ready: bool = False
    created_at: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A container as listed, and with `container_status` all the rest."""

    id: str
    name: str
    sandbox_id: str
    state: ContainerState = ContainerState.UNKNOWN
    attempt: int = 0
    image: str = ""
    image_ref: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    log_path: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """`user` is who the image runs as: a uid, or a name where the image names one."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size: int = 0
    uid: int | None = None
    username: str = ""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str = ""
    password: str = ""
    server: str = ""
    identity_token: str = ""
    auth: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Usage so far: nanoseconds of CPU, bytes of memory and of the writable layer."""

    id: str
    labels: Mapping[str, str]
    timestamp: int
    cpu_usage: int
    memory_working_set: int
    memory_usage: int = 0
    memory_rss: int = 0
    disk_used: int = 0
    inodes_used: int = 0


@dataclass(frozen=True, slots=True)
class RuntimeState:
    """The runtime's own conditions: a reason and message where not ready."""

    ready: bool
    network_ready: bool
    message: str = ""
    network_message: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    version: str
    api_version: str = ""


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """Something happened to a container (exit, OOM); `container_id` is a sandbox's where its pause process went.

    An event with no `container_id` means that some may have been lost: look at everything.
    """

    container_id: str = ""
    oom: bool = False


class Runtime(Protocol):
    """All calls raise RuntimeFailure; NotFoundInRuntime and RuntimeUnavailable are the two that callers tell apart."""

    async def version(self) -> Version: ...

    async def state(self) -> RuntimeState: ...

    async def set_pod_cidr(self, cidr: str) -> None:
        """Tell the runtime the node's pod network; runtimes with CNI configuration of their own ignore it."""

    async def run_sandbox(self, config: SandboxConfig) -> str: ...

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Kill what runs in it and take its network down; idempotent."""

    async def remove_sandbox(self, sandbox_id: str) -> None: ...

    async def sandboxes(self, uid: str = "") -> list[Sandbox]: ...

    async def sandbox_status(self, sandbox_id: str) -> Sandbox: ...

    async def create_container(self, sandbox_id: str, config: ContainerConfig, sandbox: SandboxConfig) -> str: ...

    async def start_container(self, container_id: str) -> None: ...

    async def stop_container(self, container_id: str, timeout: int) -> None:
        """SIGTERM (or the image's stop signal), then SIGKILL after `timeout` seconds; returns when it is gone."""

    async def remove_container(self, container_id: str) -> None: ...

    async def containers(self, uid: str = "") -> list[ContainerRecord]: ...

    async def container_status(self, container_id: str) -> ContainerRecord: ...

    async def reopen_log(self, container_id: str) -> None:
        """Open the log file again, after rotation renamed it."""

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float) -> ExecResult:
        """Run to the end. Past `timeout` seconds raises RuntimeFailure with code DeadlineExceeded."""

    async def exec_url(
        self, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> str:
        """Where the runtime's streaming server awaits the connection."""

    async def attach_url(self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str: ...

    async def port_forward_url(self, sandbox_id: str, ports: Sequence[int]) -> str: ...

    async def image(self, reference: str) -> Image | None: ...

    async def images(self) -> list[Image]: ...

    async def pull_image(self, reference: str, credentials: Credentials | None = None) -> str:
        """Returns the image's reference for `create_container`."""

    async def remove_image(self, image_id: str) -> None: ...

    async def stats(self) -> list[ContainerStats]: ...

    async def filesystem_usage(self) -> tuple[str, int]:
        """Mount point of the image store, and the bytes used."""

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """Endless; reconnects by itself, with an event without ID after each (re)connection."""

    async def close(self) -> None: ...
