"""The node as the cluster sees it: its Node object, its status, and the lease that says it is alive (KEP-589).

Every ten seconds the lease is renewed and the runtime asked; the status is written when it changed, and otherwise every
five minutes. Until the runtime is ready it is asked more often, so that the node is Ready as soon as it can be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import field as renamed

from knarr import KUBERNETES_VERSION
from knarr.client.client import Client
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import NODES
from knarr.kubelet.conditions import conditions, essence
from knarr.kubelet.cri.runtime import Image, Runtime, RuntimeFailure, RuntimeState
from knarr.kubelet.heartbeats import Heartbeat
from knarr.kubelet.machine import Machine
from knarr.machinery.clock import Clock, at_most
from knarr.machinery.errors import APIError, NotFound
from knarr.machinery.times import format_time

log = logging.getLogger(__name__)

_PERIOD = 10.0  # seconds between heartbeats
_UNREADY_PERIOD = 0.2  # the same, while the runtime or its network is not ready
_PATIENCE = 60.0  # seconds that this lasts before it becomes one second
_REPORT_PERIOD = 300.0  # seconds after which an unchanged status is written again
_TOLERANCE = 30.0  # seconds that the runtime may be away, as when it restarts, before the node is NotReady
_IMAGES = 50  # most that a status lists
_DOWN = RuntimeState(False, False, "container runtime is down", "reason:RuntimeDown message:container runtime is down")


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What the node is called and where it is; `pod_cidr` where the node brings its own pod network."""

    name: str
    addresses: tuple[str, ...]
    port: int = 10250
    pod_cidr: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[JSON, ...] = ()
    unschedulable: bool = False


class NodeSpec(View, frozen=True):
    pod_cidr: str = renamed(default="", name="podCIDR")


class NodeStatus(View, frozen=True):
    conditions: tuple[dict[str, str], ...] = ()


class Node(Object, frozen=True):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        return any(c.get("type") == "Ready" and c.get("status") == "True" for c in self.status.conditions)


class NodeAgent:
    """Registers the node and keeps its status; `ready` is called once, when the API knows that the node is Ready."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        runtime: Runtime,
        machine: Machine,
        options: NodeOptions,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._clock, self._runtime, self._machine = client, clock, runtime, machine
        self._options, self._ready = options, ready
        self._heartbeat = Heartbeat(client, clock, options.name)
        self._poked = asyncio.Event()
        self._node: Node | None = None
        self._written: JSON = {}
        self._written_at = 0.0
        self._images: list[JSON] | None = None
        self._version = ""
        self._seen: tuple[float, RuntimeState] | None = None  # when the runtime last told its state, and which
        self._pod_cidr = ""
        self._last_complaint = ""

    def poke(self) -> None:
        """Something that the status tells of has changed (images, the runtime): look again now."""
        self._images = None
        self._poked.set()

    def allocatable(self) -> Mapping[str, str]:
        """What pods may have of this machine."""
        return self._machine.allocatable()

    async def run(self) -> None:
        """Until cancelled. Failures are logged and tried again: a node does not give up."""
        begun = self._clock.monotonic()
        while True:
            self._poked.clear()
            is_ready = False
            try:
                is_ready = await self._beat()
            except (APIError, ConnectionError, TimeoutError) as error:
                self._complain(f"the node's state could not be reported: {error}")
            impatient = self._clock.monotonic() - begun < _PATIENCE
            pause = _PERIOD if is_ready else _UNREADY_PERIOD if impatient else 1.0
            await at_most(self._clock, pause, self._poked.wait())

    def _complain(self, text: str) -> None:
        """Say it once, not at each attempt."""
        log.log(logging.DEBUG if text == self._last_complaint else logging.WARNING, text)
        self._last_complaint = text

    async def _beat(self) -> bool:
        """Register if need be, report the status, renew the lease; whether the node is Ready."""
        if self._node is None:
            self._node = await self._register()
            if self._seen is None and self._node.ready:  # our predecessor's word holds until its time is over, too
                self._seen = self._clock.monotonic(), RuntimeState(True, True)
        state = await self._state()
        try:
            await self._learn_network()
            await self._report(state)
        except NotFound:  # somebody deleted the Node
            self._node = None
            return False
        await self._heartbeat.renew(self._node.metadata.uid)
        return state.ready and state.network_ready

    async def _state(self) -> RuntimeState:
        now = self._clock.monotonic()
        try:
            state = await self._runtime.state()
            self._seen = now, state
            if not self._version:
                version = await self._runtime.version()
                self._version = f"{version.name}://{version.version}"
        except RuntimeFailure as failure:
            log.debug("runtime: %s", failure)
            return self._seen[1] if self._seen and now - self._seen[0] < _TOLERANCE else _DOWN
        return state

    async def _register(self) -> Node:
        """The Node object, made where there is none; one that is there keeps what others gave it."""
        self._written = {}
        labels = self._labels()
        try:
            known = await self._client.get(NODES, self._options.name, view=Node)
        except NotFound:
            return await self._client.create(NODES, self._new_node(labels), view=Node)
        patch: JSON = {}
        if missing := {k: v for k, v in labels.items() if known.metadata.labels.get(k) != v}:
            patch["metadata"] = {"labels": missing}
        if self._options.pod_cidr and not known.spec.pod_cidr:
            patch["spec"] = self._network()
        return await self._client.patch(NODES, self._options.name, patch, view=Node) if patch else known

    def _labels(self) -> dict[str, str]:
        platform = {"os": "linux", "arch": self._machine.architecture}
        return {
            **{f"beta.kubernetes.io/{name}": value for name, value in platform.items()},
            **{f"kubernetes.io/{name}": value for name, value in platform.items()},
            "kubernetes.io/hostname": self._options.name,
            **self._options.labels,
        }

    def _new_node(self, labels: Mapping[str, str]) -> JSON:
        options = self._options
        spec: JSON = {**self._network()}
        if options.taints:
            spec["taints"] = list(options.taints)
        if options.unschedulable:
            spec["unschedulable"] = True
        annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        return {"metadata": {"name": options.name, "labels": labels, "annotations": annotations}, "spec": spec}

    def _network(self) -> JSON:
        cidr = self._options.pod_cidr
        return {"podCIDR": cidr, "podCIDRs": [cidr]} if cidr else {}

    async def _learn_network(self) -> None:
        """Tell the runtime the node's pod network, once it has one; the API may assign it later."""
        assert self._node
        if not self._node.spec.pod_cidr:
            self._node = await self._client.get(NODES, self._options.name, view=Node)
        cidr = self._node.spec.pod_cidr
        if cidr and cidr != self._pod_cidr:
            try:
                await self._runtime.set_pod_cidr(cidr)
                self._pod_cidr = cidr
            except RuntimeFailure as failure:
                log.debug("the runtime did not take the pod network: %s", failure)

    async def _report(self, state: RuntimeState) -> None:
        """Write the status, if it says something new or has not been written for long."""
        assert self._node
        now = self._clock.monotonic()
        old = now - self._written_at >= _REPORT_PERIOD
        status = await self._status(state, refresh=old)
        if self._written and not old and essence(status) == essence(self._written):
            return
        self._node = await self._client.patch(
            NODES, self._options.name, {"status": status}, kind="strategic", subresource="status", view=Node
        )
        self._written, self._written_at = status, now
        if state.ready and state.network_ready:
            self._ready()
            self._ready = lambda: None

    async def _status(self, state: RuntimeState, refresh: bool) -> JSON:
        assert self._node
        options, machine = self._options, self._machine
        before = self._written.get("conditions", self._node.status.conditions)
        if state.ready and (self._images is None or refresh):
            self._images = await self._list_images()
        return {
            "addresses": [
                *({"type": "InternalIP", "address": address} for address in options.addresses),
                {"type": "Hostname", "address": options.name},
            ],
            "capacity": machine.capacity(),
            "allocatable": machine.allocatable(),
            "conditions": conditions(state, machine.pressure(), format_time(self._clock.now()), before),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": options.port}},
            "images": self._images or [],
            "nodeInfo": {
                **machine.info(),
                "containerRuntimeVersion": self._version,
                "kubeletVersion": KUBERNETES_VERSION,
                "kubeProxyVersion": "",
            },
        }

    async def _list_images(self) -> list[JSON] | None:
        try:
            return image_list(await self._runtime.images())
        except RuntimeFailure as failure:
            log.debug("images: %s", failure)
            return self._images


def image_list(images: list[Image]) -> list[JSON]:
    """The largest first, as the scheduler's ImageLocality wants to know them."""
    largest = sorted(images, key=lambda image: (-image.size, image.id))[:_IMAGES]
    return [{"names": [*image.digests, *image.tags], "sizeBytes": image.size} for image in largest]
