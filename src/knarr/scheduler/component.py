"""The scheduler at work: watches Pods and nodes, places one Pod at a time, binds many at once.

Placing is pure and quick and happens strictly one after the other, each Pod seeing what was decided before it; telling
the API server takes longer and goes on in the background, the decision counting meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import NODES, PODS
from knarr.machinery.clock import Clock
from knarr.runtime.events import EventRecorder
from knarr.runtime.informer import Informer
from knarr.runtime.quiescence import Quiescence
from knarr.scheduler.cache import Cache
from knarr.scheduler.framework import Plugin
from knarr.scheduler.judging import Judges
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.objects import Node, Pod
from knarr.scheduler.placing import place
from knarr.scheduler.pods import PodInfo, info_of
from knarr.scheduler.queue import SchedulingQueue
from knarr.scheduler.reports import SCHEDULER_ERROR, UNSCHEDULABLE, Reporter
from knarr.scheduler.table import PLUGINS
from knarr.scheduler.tasks import Tasks

log = logging.getLogger(__name__)

REQUESTS_AT_ONCE = 64


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
        self._client, self._options = client, options
        self._cache, self._judges = Cache(), Judges(options.plugins)
        self._queue = SchedulingQueue(clock)
        self._events = EventRecorder(client, clock, options.name, quiescence=quiescence)
        self._reporter = Reporter(client, clock, self._events)
        self._tasks = Tasks(REQUESTS_AT_ONCE, quiescence or Quiescence())
        self._pods = Informer(client, PODS, Pod, clock=clock, quiescence=quiescence)
        self._nodes = Informer(client, NODES, Node, clock=clock, quiescence=quiescence)
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
                    await self._tasks.room()
                    self._schedule(await self._queue.get())
        finally:
            self._queue.close()
            await self._tasks.close()
            await self._events.close()

    def _node_changed(self, old: Node | None, new: Node | None) -> None:
        if new is None:
            assert old is not None
            self._cache.remove_node(old.metadata.name)
        elif old is None or _placing_view(old) != _placing_view(new):
            self._queue.changed(self._cache.set_node(new))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if old and (new is None or new.metadata.uid != old.metadata.uid):
            self._gone(old)
            old = None
        if new is None:
            return
        if new.over:
            self._gone(new)
        elif new.spec.node_name:
            self._queue.remove(new.metadata.uid)
            self._freed(self._cache.confirm(new))
        elif not self._is_ours(new):
            self._queue.remove(new.metadata.uid)
        elif old is None or _asking_view(old) != _asking_view(new):
            self._queue.put(info_of(new))

    def _gone(self, pod: Pod) -> None:
        self._queue.remove(pod.metadata.uid)
        self._freed(self._cache.remove(pod.metadata.uid))

    def _freed(self, node: NodeInfo | None) -> None:
        if node:
            self._queue.changed(node)

    def _is_ours(self, pod: Pod) -> bool:
        return (
            pod.spec.scheduler_name == self._options.name
            and pod.metadata.deletion_timestamp is None
            and not pod.spec.scheduling_gates
        )

    def _schedule(self, pod: PodInfo) -> None:
        try:
            placement = place(self._cache.nodes(), self._judges.of(pod.demand), self._options.random)
        except Exception as error:  # a plugin that stumbles over one Pod must not stop the others
            log.exception("%s could not be placed", pod.pod.metadata.key)
            self._failed(pod, f"{type(error).__name__}: {error}")
            return
        self._cache.searched(placement.searched)
        if placement.node:
            self._cache.assume(pod, placement.node)
            self._later(pod, partial(self._bind, pod, placement.node))
        else:
            self._queue.refused(pod.uid, placement.fits)
            self._later(pod, partial(self._tell, pod, UNSCHEDULABLE, placement.message))

    async def _bind(self, pod: PodInfo, node: str) -> None:
        meta = pod.pod.metadata
        body: JSON = {"metadata": {"name": meta.name, "uid": meta.uid}, "target": {"kind": "Node", "name": node}}
        try:
            await self._client.create(PODS, body, meta.namespace, name=meta.name, subresource="binding")
        except Exception as error:  # whatever it was: the room is free again, and the Pod has to be tried again
            log.warning("%s could not be bound to %s: %s", meta.key, node, error)
            self._freed(self._cache.forget(pod))
            self._failed(pod, f'running Bind plugin "DefaultBinder": {error}')
        else:
            self._queue.placed(pod.uid)
            self._reporter.scheduled(pod.pod, node)

    def _failed(self, pod: PodInfo, message: str) -> None:
        """Try again later, and say why; a Pod that meanwhile is gone, or has a node, needs neither."""
        if self._queue.failed(pod.uid):
            self._later(pod, partial(self._tell, pod, SCHEDULER_ERROR, message))

    async def _tell(self, pod: PodInfo, reason: str, message: str) -> None:
        now = self._pods.get(pod.pod.metadata.key)
        if now and now.metadata.uid == pod.uid and not now.spec.node_name:
            await self._reporter.not_scheduled(now, reason, message)

    def _later(self, pod: PodInfo, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.start(pod.uid, work)


def _placing_view(node: Node) -> object:
    """What of a node decides which Pods it can take."""
    return node.spec, node.status, node.metadata.labels


def _asking_view(pod: Pod) -> object:
    """What of a Pod decides which nodes can take it."""
    return pod.spec, pod.metadata.labels
