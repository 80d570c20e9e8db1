"""The scheduler at work: watches Pods and nodes, places one Pod at a time, binds many at once.

Placing is pure and quick and happens strictly one after the other, each Pod seeing what was decided before it; telling
the API server takes longer and goes on in the background, the decision counting meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import NODES, PODS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, NotFound
from knarr.machinery.times import format_time
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.runtime.quiescence import Quiescence
from knarr.scheduler.cache import Cache
from knarr.scheduler.framework import Placement, Plugin, place
from knarr.scheduler.objects import Condition, Node, Pod
from knarr.scheduler.queue import EVENTS, NODE_ADDED, NODE_CHANGED, POD_GONE, SchedulingQueue
from knarr.scheduler.table import PLUGINS

log = logging.getLogger(__name__)

BINDINGS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Options:
    """Which Pods are this scheduler's, and by which plugins it places them."""

    name: str = "default-scheduler"
    plugins: Sequence[Plugin] = PLUGINS
    random: random.Random = field(default_factory=random.Random)


async def run(client: Client, clock: Clock, options: Options | None = None) -> None:
    """Schedule until cancelled."""
    await Scheduler(client, clock, options or Options()).run()


class Scheduler:
    """One scheduler over its caches."""

    def __init__(self, client: Client, clock: Clock, options: Options, *, quiescence: Quiescence | None = None) -> None:
        self._client, self._clock, self._options = client, clock, options
        self._cache = Cache()
        self._queue = SchedulingQueue(clock)
        self._events = EventRecorder(client, clock, options.name, quiescence=quiescence)
        self._pods = Informer(client, PODS, Pod, clock=clock, quiescence=quiescence)
        self._nodes = Informer(client, NODES, Node, clock=clock, quiescence=quiescence)
        self._slots = asyncio.Semaphore(BINDINGS_AT_ONCE)
        self._bindings: set[asyncio.Task[None]] = set()
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._nodes.run())
                tasks.create_task(self._pods.run())
                await self._nodes.wait_synced()
                await self._pods.wait_synced()
                while True:
                    await self._schedule(await self._queue.get())
        finally:
            self._queue.close()
            for task in self._bindings:
                task.cancel()
            await self._events.close()

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            assert old is not None
            self._cache.remove_node(old.metadata.name)
            return
        self._cache.set_node(new)
        if old is None:
            self._queue.happened(NODE_ADDED)
        elif _placing_view(old) != _placing_view(new):
            self._queue.happened(NODE_CHANGED)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if new is None or new.over:
            gone = new or old
            assert gone is not None
            self._queue.remove(gone)
            self._cache.remove(gone)
            if gone.spec.node_name:
                self._queue.happened(POD_GONE)
        elif new.spec.node_name:
            self._queue.remove(new)
            self._cache.place(new, new.spec.node_name)
        elif self._is_ours(new) and (old is None or _asking_view(old) != _asking_view(new)):
            self._queue.put(new)

    def _is_ours(self, pod: Pod) -> bool:
        return (
            pod.spec.scheduler_name == self._options.name
            and pod.metadata.deletion_timestamp is None
            and not pod.spec.scheduling_gates
        )

    async def _schedule(self, pod: Pod) -> None:
        await self._slots.acquire()
        placement = place(pod, self._cache.nodes(), self._options.plugins, self._options.random)
        if placement.node:
            self._cache.place(pod, placement.node)
            work = self._bind(pod, placement.node)
        else:
            wakes = [plugin.wakes for plugin in self._options.plugins if plugin.name in placement.refusers]
            self._queue.refused(pod, frozenset().union(*wakes) if wakes else EVENTS)
            work = self._refuse(pod, placement)
        task = asyncio.get_running_loop().create_task(work)
        self._bindings.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._bindings.discard(task)
        self._slots.release()

    async def _bind(self, pod: Pod, node: str) -> None:
        meta = pod.metadata
        body: JSON = {"metadata": {"name": meta.name, "uid": meta.uid}, "target": {"kind": "Node", "name": node}}
        try:
            await self._client.create(PODS, body, meta.namespace, name=meta.name, subresource="binding")
        except (APIError, ConnectionError, TimeoutError) as error:
            self._cache.remove(pod)
            if isinstance(error, NotFound):
                self._queue.remove(pod)
                return
            log.warning("%s could not be bound to %s: %s", meta.key, node, error)
            self._queue.retry(pod)
            return
        self._queue.placed(pod)
        text = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._events.event(pod, "Normal", "Scheduled", text)

    async def _refuse(self, pod: Pod, placement: Placement) -> None:
        """Tell the user why the Pod has to wait: an event each time, the condition where it says something new."""
        self._events.event(pod, "Warning", "FailedScheduling", placement.message)
        told = next((c for c in pod.status.conditions if c.type == "PodScheduled"), Condition(type="PodScheduled"))
        if (told.status, told.message) == ("False", placement.message):
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": placement.message,
            **({} if told.status == "False" else {"lastTransitionTime": format_time(self._clock.now())}),
        }
        try:
            await self._client.patch(
                PODS,
                pod.metadata.name,
                {"metadata": {"uid": pod.metadata.uid}, "status": {"conditions": [condition]}},
                pod.metadata.namespace,
                kind="strategic",
                subresource="status",
            )
        except (APIError, ConnectionError, TimeoutError) as error:
            log.debug("the condition of %s could not be written: %s", pod.metadata.key, error)


def _placing_view(node: Node) -> object:
    """What of a node decides which Pods it can take."""
    return node.spec, node.status, node.metadata.labels


def _asking_view(pod: Pod) -> object:
    """What of a Pod decides which nodes can take it."""
    return pod.spec, pod.metadata.labels
