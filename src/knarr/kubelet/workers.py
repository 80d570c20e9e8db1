"""All pods of this node: whose worker hears of what, and what the rest of the kubelet may ask about them."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from knarr.client.objects import Meta
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, RuntimeEvent, RuntimeFailure, Sandbox
from knarr.kubelet.holdings import adopt
from knarr.kubelet.interfaces import Instance
from knarr.kubelet.objects import Pod
from knarr.kubelet.sandboxes import NODE, POD_NAME, POD_NAMESPACE, POD_UID, log_directory
from knarr.kubelet.services import Services
from knarr.kubelet.worker import PodWorker

log = logging.getLogger(__name__)


class Workers:
    """Every pod bound to this node has a worker until neither node nor API has anything of it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.workers: dict[str, PodWorker] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    # What the API tells

    def changed(self, old: Pod | None, new: Pod | None) -> None:
        """An informer's handler; a name may pass from one pod to another in one step."""
        if old and (new is None or new.uid != old.uid) and old.uid in self.workers:
            self.workers[old.uid].remove()
        if new:
            self.worker_of(new).update(new)

    def worker_of(self, pod: Pod) -> PodWorker:
        if pod.uid not in self.workers:
            self.workers[pod.uid] = PodWorker(pod, self.services, self.forget)
        return self.workers[pod.uid]

    def forget(self, worker: PodWorker) -> None:
        self.workers.pop(worker.pod.uid, None)
        self.services.publisher.forget(worker.pod.uid)

    def observe(self, uid: str) -> None:
        """Something about the pod may have changed, as a probe's answer."""
        if worker := self.workers.get(uid):
            worker.observe()

    def evict(self, uid: str, message: str) -> None:
        """Fail a pod that takes more of the node than it may."""
        if worker := self.workers.get(uid):
            worker.fail("Evicted", message)

    # What the runtime tells

    async def relist(self, pods: Sequence[Pod]) -> None:
        """Compare everything with the runtime: at the start, when events may have been lost, and now and then.

        `pods` are those of the API; what the runtime has of others, and is this node's, is orphaned.
        Raises RuntimeFailure.
        """
        runtime = self.services.runtime
        sandboxes, containers = await asyncio.gather(runtime.sandboxes(), runtime.containers())
        of_pod: dict[str, tuple[list[Sandbox], list[ContainerRecord]]] = defaultdict(lambda: ([], []))
        for sandbox in filter(self.mine, sandboxes):
            of_pod[sandbox.labels[POD_UID]][0].append(sandbox)
        for record in filter(self.mine, containers):
            of_pod[record.labels[POD_UID]][1].append(record)
        for pod in pods:
            await self.adopt(self.worker_of(pod), *of_pod.pop(pod.uid, ([], [])))
        for uid, (left_sandboxes, left_containers) in of_pod.items():
            labelled: list[Sandbox | ContainerRecord] = [*left_sandboxes, *left_containers]
            worker = self.workers.get(uid) or self.worker_of(orphan(labelled[0]))
            await self.adopt(worker, left_sandboxes, left_containers)
            worker.remove()

    def mine(self, item: Sandbox | ContainerRecord) -> bool:
        return item.labels.get(NODE) == self.services.options.node_name and POD_UID in item.labels

    async def adopt(self, worker: PodWorker, sandboxes: list[Sandbox], containers: list[ContainerRecord]) -> None:
        if not worker.tasks.keys:  # a task under way looks for itself
            await adopt(self.services.runtime, self.services.options, worker.holdings, sandboxes, containers)

    def happened(self, event: RuntimeEvent) -> None:
        """A container, or a sandbox's pause process, has exited."""
        if event.oom:
            return  # the exit follows, and its reason says so
        worker = next((w for w in self.workers.values() if w.knows(event.container_id)), None)
        if worker:
            task = asyncio.create_task(self.tell(worker, event.container_id))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def tell(self, worker: PodWorker, container_id: str) -> None:
        try:
            await worker.container_exited(container_id)
        except RuntimeFailure as failure:  # the runtime is going: what is listed when it is back makes up for it
            log.warning("container %s of pod %s not looked at: %s", container_id, worker.pod.metadata.key, failure)

    def sweep(self) -> list[str]:
        """UIDs of pods that have files or a cgroup here and no worker: these may go."""
        known = {*self.services.volumes.known(), *self.services.cgroups.known()}
        return [uid for uid in known if uid not in self.workers]

    # What others ask (interfaces.Pods)

    def get(self, namespace: str, name: str, uid: str = "") -> Pod | None:
        matching = [p for p in self.all() if p.metadata.namespace == namespace and p.metadata.name == name]
        return next((pod for pod in reversed(matching) if uid in ("", pod.uid)), None)

    def all(self) -> Sequence[Pod]:
        return [worker.pod for worker in self.workers.values() if not worker.tenant.removed]

    def instance(self, uid: str, container: str, previous: bool = False) -> Instance | None:
        worker = self.workers.get(uid)
        records = worker.holdings.records.get(container, [])[previous:] if worker else []
        if worker is None or not records:
            return None
        record, holdings = records[0], worker.holdings
        folder = log_directory(self.services.options.log_root, holdings.namespace, holdings.name, uid)
        path = record.log_path or str(Path(folder, container, f"{record.attempt}.log"))
        return Instance(record.id, container, record.state is ContainerState.RUNNING, path, record.attempt)

    def sandbox(self, uid: str) -> str:
        worker = self.workers.get(uid)
        sandbox = worker.holdings.sandbox if worker else None
        return sandbox.id if sandbox and sandbox.ready else ""

    async def close(self) -> None:
        """Stop working; containers run on."""
        tasks = [*self.tasks, *(task for worker in self.workers.values() for task in worker.tasks.cancel())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def orphan(item: Sandbox | ContainerRecord) -> Pod:
    """A pod that only the runtime remembers, as far as stopping it needs."""
    labels = item.labels
    meta = Meta(name=labels.get(POD_NAME, ""), namespace=labels.get(POD_NAMESPACE, ""), uid=labels[POD_UID])
    return Pod(metadata=meta)
