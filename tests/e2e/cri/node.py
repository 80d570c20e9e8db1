"""A kubelet as the composition root would make it, and what tests ask of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from knarr.api.kinds.table import KINDS
from knarr.apiserver.api import API
from knarr.apiserver.authn.users import User
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import parse
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.request import APIRequest
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.resources import EVENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS, SERVICES
from knarr.kubelet.cri.client import CRIRuntime
from knarr.kubelet.environment import Environment
from knarr.kubelet.kubelet import Kubelet
from knarr.kubelet.options import PodOptions
from knarr.kubelet.probes.prober import Prober
from knarr.kubelet.servicelinks import Service
from knarr.kubelet.volumes.manager import VolumeManager
from knarr.machinery.clock import RealClock
from knarr.machinery.errors import APIError
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.wire.messages import Answer, Request, Response

JSON = dict[str, Any]
NODE = "node-1"


class Bare:
    """The API without authentication."""

    def __init__(self, api: API) -> None:
        self.api = api

    async def serve(self, request: Request, user: User) -> Answer:
        parameters = request.parameters()
        info = parse(request.method, request.path, request.query)
        try:
            return await self.api.handle(APIRequest(request, info, user, parameters))
        except APIError as error:
            return Response(error.code, {}, json.dumps(error.to_status()).encode())


@asynccontextmanager
async def memory_api() -> AsyncIterator[Client]:
    clock, store = RealClock(), MemoryStore()
    kinds = Kinds(KINDS)
    cache = WatchCache(store, index_of(kinds), clock=clock)
    await cache.start()
    transport = InProcessTransport(Bare(API(kinds, store, cache, clock)), User("admin", groups=("system:masters",)))
    client = Client(transport)
    await client.create(NAMESPACES, {"metadata": {"name": "default"}}, view=dict)
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "default", view=dict)
    yield client
    await transport.close()
    await cache.stop()


class Node:
    """Starts and stops a kubelet, makes pods, and waits for what becomes of them."""

    def __init__(self, client: Client, runtime: CRIRuntime, root: Path) -> None:
        self.client, self.runtime, self.root = client, runtime, root
        self.options = PodOptions(
            NODE,
            ("127.0.0.1",),
            root / "kubelet",
            root / "logs",
            cgroup_root=f"/{root.parent.name}",
            node_memory=8 << 30,
        )
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        clock = RealClock()
        self.recorder = EventRecorder(self.client, clock, "kubelet", NODE)
        self.services = Informer(self.client, SERVICES, Service)
        self.volumes = VolumeManager(self.client, clock, self.options.root)
        self.kubelet = Kubelet(
            self.client,
            clock,
            self.runtime,
            self.options,
            recorder=self.recorder,
            volumes=self.volumes,
            environments=Environment(self.client, self.services, read=self.volumes.read),
            probes=Prober,
        )
        self.task = asyncio.create_task(self.run())

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.services.run())
            group.create_task(self.kubelet.run())

    async def stop(self) -> None:
        """As a kill would: containers run on."""
        if self.task:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        await self.recorder.close()
        await self.volumes.close()

    async def create(self, name: str, spec: JSON) -> JSON:
        body = {"metadata": {"name": name}, "spec": {"nodeName": NODE, "automountServiceAccountToken": False, **spec}}
        return await self.client.create(PODS, body, "default", view=dict)

    async def get(self, name: str) -> JSON:
        return await self.client.get(PODS, name, "default", view=dict)

    async def delete(self, name: str, grace: int | None = None) -> None:
        await self.client.delete(PODS, name, "default", grace=grace)

    async def until(self, name: str, reached: Callable[[JSON], Any]) -> JSON:
        """The pod once `reached` says so."""
        try:
            async with asyncio.timeout(20):
                while not reached(pod := await self.get(name)):
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(
                json.dumps(pod["status"], indent=1) + "\n" + "\n".join(await self.told(name))
            ) from None
        return pod

    async def gone(self, name: str) -> None:
        async with asyncio.timeout(20):
            while name in [p["metadata"]["name"] for p in (await self.client.list(PODS, "default", view=dict)).items]:
                await asyncio.sleep(0.005)

    async def told(self, name: str) -> list[str]:
        """The events about a pod, as `reason: message`."""
        await self.recorder.flush()
        events = (await self.client.list(EVENTS, "default", view=dict)).items
        events = [event for event in events if event["involvedObject"]["name"] == name]
        events.sort(key=lambda event: event["metadata"]["name"])
        return [f"{event['reason']}: {event['message']}" for event in events]

    async def clear(self) -> None:
        for pod in (await self.client.list(PODS, "default", view=dict)).items:
            await self.delete(pod["metadata"]["name"], grace=0)
        async with asyncio.timeout(20):
            while self.kubelet.pods.workers:
                await asyncio.sleep(0.01)


def condition(pod: JSON, name: str) -> str:
    return next((c["status"] for c in pod["status"].get("conditions", ()) if c["type"] == name), "")


def is_ready(pod: JSON) -> bool:
    return condition(pod, "Ready") == "True"


def state(pod: JSON, container: str = "app") -> JSON:
    statuses = [*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ())]
    return next((s["state"] for s in statuses if s["name"] == container), {})
