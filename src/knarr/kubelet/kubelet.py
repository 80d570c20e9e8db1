"""The node agent's core: the API's pods, the runtime's containers, and the workers that bring them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from knarr.client.client import Client
from knarr.client.resources import PODS
from knarr.kubelet.cgroups import Cgroups
from knarr.kubelet.cri.runtime import Runtime, RuntimeFailure
from knarr.kubelet.garbage import collect_images, rotate_logs, sweep
from knarr.kubelet.images import Images
from knarr.kubelet.interfaces import Environments, Probes, Volumes
from knarr.kubelet.objects import Pod
from knarr.kubelet.options import PodOptions
from knarr.kubelet.publisher import StatusPublisher
from knarr.kubelet.services import Services
from knarr.kubelet.workers import Workers
from knarr.machinery.clock import Clock
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.runtime.timers import Timers

log = logging.getLogger(__name__)
RELIST_RETRY = 0.2  # seconds
TIDY_INTERVAL, GARBAGE_INTERVAL = 30.0, 300.0  # seconds
ProbesMaker = Callable[[Runtime, Clock, EventRecorder, Callable[[str], None]], Probes]


class Kubelet:
    """Runs the pods that are bound to this node; `pods` is what the server and the node's status read."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        runtime: Runtime,
        options: PodOptions,
        *,
        recorder: EventRecorder,
        volumes: Volumes,
        environments: Environments,
        probes: ProbesMaker,
        arrived: Callable[[], None] = lambda: None,
    ) -> None:
        self.runtime, self.clock, self.options = runtime, clock, options
        selector = f"spec.nodeName={options.node_name}"
        self.informer = Informer(client, PODS, Pod, field_selector=selector, clock=clock)
        self.services = Services(
            runtime=runtime,
            client=client,
            clock=clock,
            timers=Timers(clock),
            recorder=recorder,
            volumes=volumes,
            probes=probes(runtime, clock, recorder, self.observe),
            environments=environments,
            images=Images(runtime, client, clock, arrived),
            cgroups=Cgroups(options.cgroup_root),
            publisher=StatusPublisher(client, clock),
            options=options,
        )
        self.pods = Workers(self.services)
        self.listening = False

    async def run(self) -> None:
        """Until cancelled; containers run on then, and the next run finds them."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.informer.run())
                group.create_task(self.follow_runtime())
                group.create_task(self.repeat(TIDY_INTERVAL, self.tidy))
                group.create_task(self.repeat(GARBAGE_INTERVAL, self.collect))
        finally:
            self.services.timers.close()
            await self.pods.close()
            await self.services.images.close()
            await self.services.publisher.close()

    def observe(self, uid: str) -> None:
        self.pods.observe(uid)

    async def follow_runtime(self) -> None:
        await self.informer.wait_synced()
        async for event in self.runtime.events():
            if event.container_id:
                self.pods.happened(event)
            else:
                while not await self.relist():
                    await self.clock.sleep(RELIST_RETRY)

    async def relist(self) -> bool:
        """Look at everything; the first time before any pod is worked on, so that what runs is adopted."""
        try:
            await self.pods.relist(self.informer.list())
        except RuntimeFailure as failure:
            log.warning("runtime not listed: %s", failure)
            return False
        if not self.listening:
            self.listening = True
            self.informer.add_handler(self.pods.changed)
        else:
            for worker in list(self.pods.workers.values()):
                worker.observe()
        return True

    async def tidy(self) -> None:
        await rotate_logs(self.pods, self.services)
        if self.listening:  # until all is listed, every pod that runs here looks lost
            await sweep(self.pods, self.services)

    async def collect(self) -> None:
        await self.relist()
        try:
            await collect_images(self.runtime, self.options.image_ceiling, self.options.pause_image)
        except RuntimeFailure as failure:
            log.warning("images not collected: %s", failure)

    async def repeat(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Now and then; the first time after one interval."""
        while True:
            await self.clock.sleep(seconds)
            await work()
