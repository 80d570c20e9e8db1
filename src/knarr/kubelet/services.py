"""What every pod worker works with."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.kubelet.cgroups import Cgroups
from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.images import Images
from knarr.kubelet.interfaces import Environments, Probes, Volumes
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.options import PodOptions
from knarr.kubelet.publisher import StatusPublisher
from knarr.machinery.clock import Clock
from knarr.runtime.events import EventRecorder, EventType
from knarr.runtime.timers import Timers


@dataclass(frozen=True, slots=True)
class Services:
    runtime: Runtime
    client: Client
    clock: Clock
    timers: Timers
    recorder: EventRecorder
    volumes: Volumes
    probes: Probes
    environments: Environments
    images: Images
    cgroups: Cgroups
    publisher: StatusPublisher
    options: PodOptions

    def tell(self, pod: Pod, type: EventType, reason: str, message: str, container: Container | None = None) -> None:
        """Record an event about the pod, or about one of its containers."""
        self.recorder.event(reference(pod, container), type, reason, message)


def reference(pod: Pod, container: Container | None = None) -> JSON:
    meta = pod.metadata
    about = {
        "kind": "Pod",
        "apiVersion": "v1",
        "namespace": meta.namespace,
        "name": meta.name,
        "uid": meta.uid,
        "resourceVersion": meta.resource_version,
    }
    if container:
        about["fieldPath"] = f"spec.{group_of(pod, container)}{{{container.name}}}"
    return about


def group_of(pod: Pod, container: Container) -> str:
    """Which list of the pod's spec has the container."""
    if container in pod.spec.containers:
        return "containers"
    return "initContainers" if container in pod.spec.init_containers else "ephemeralContainers"
