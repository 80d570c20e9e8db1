"""What the pod workers ask of the rest of the kubelet, and what they offer it.

The workers call Volumes, Probes and Environments; the HTTPS server and the node's status read the workers through Pods.
Everything is keyed by the pod's UID, since a name may be taken again before its first bearer is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from knarr.kubelet.objects import Container, Pod


class VolumeError(Exception):
    """A volume that cannot be set up now; the message becomes the FailedMount event. Tried again with back-off."""


class ConfigError(Exception):
    """A container that cannot be configured now: its waiting reason is CreateContainerConfigError with this message."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume made ready on this node: a directory or file to bind into containers."""

    host_path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a pod is: its own addresses (the node's where it uses the host network) and the node's."""

    pod_ips: tuple[str, ...] = ()
    host_ips: tuple[str, ...] = ()

    @property
    def pod_ip(self) -> str:
        return self.pod_ips[0] if self.pod_ips else ""

    @property
    def host_ip(self) -> str:
        return self.host_ips[0] if self.host_ips else ""


class Volumes(Protocol):
    """The pod's volumes on this node, under `<root>/pods/<uid>/volumes/`."""

    async def mount(self, pod: Pod) -> Mapping[str, Mount]:
        """All volumes of the pod by name; idempotent, also over a restart of the kubelet. Raises VolumeError."""

    def update(self, pod: Pod) -> None:
        """The pod's labels or annotations may have changed: files made from them follow."""

    async def subpath(self, pod: Pod, container: str, index: int, volume: str, sub_path: str) -> str:
        """The host path to bind for the container's `index`-th volumeMount, which has a subPath. Raises ConfigError."""

    async def unmount(self, uid: str) -> None:
        """Take down all that is below `<root>/pods/<uid>`. Idempotent; unknown pods are fine. Raises OSError."""

    def known(self) -> Collection[str]:
        """UIDs of the pods that have anything on this node's disk: what an orphan sweep compares."""


class Probes(Protocol):
    """Startup, readiness and liveness of running containers.

    Constructed with a callback `changed(pod uid)`, called whenever an answer below changes. A liveness or startup probe
    that failed to its threshold is the answer `failure`; the worker then kills and restarts the container.
    Unhealthy events are the prober's own.
    """

    def start(self, pod: Pod, container: Container, container_id: str, addresses: Addresses) -> None:
        """Begin to probe a running container; a second call for the same container_id does nothing."""

    def stop(self, container_id: str) -> None:
        """End its probes (it exited or is being stopped); idempotent. It is neither ready nor started from now on."""

    def started(self, container_id: str) -> bool:
        """Whether its startup probe has succeeded; True for a probed container without one."""

    def ready(self, container_id: str) -> bool:
        """Whether its readiness probe says so; True for a started container without one."""

    def failure(self, container_id: str) -> str:
        """Which probe condemned it: "" (none), "liveness" or "startup"."""


class Environments(Protocol):
    """Environment variables of containers: env, envFrom, downward API, service links."""

    async def environment_of(self, pod: Pod, container: Container, addresses: Addresses) -> list[tuple[str, str]]:
        """Names and values in the order of precedence, each name once. Raises ConfigError."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One container of a pod as the runtime has it, for logs, exec, attach."""

    id: str
    name: str
    running: bool
    log_path: str
    attempt: int = 0


class Pods(Protocol):
    """The pods of this node, read by the HTTPS server and the node's status."""

    def get(self, namespace: str, name: str, uid: str = "") -> Pod | None:
        """The pod as last seen; with a uid, only that one."""

    def all(self) -> Sequence[Pod]:
        """Every pod bound to this node."""

    def instance(self, uid: str, container: str, previous: bool = False) -> Instance | None:
        """The container's newest instance, running or not; or the one before it."""

    def sandbox(self, uid: str) -> str:
        """The ID of the pod's ready sandbox, or ""; for port-forward."""
