"""Tells the API the statuses of pods: at once, only what changed, the newest when several wait."""

from __future__ import annotations

import asyncio
import logging

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import PODS
from knarr.kubelet.objects import Pod
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Conflict, Invalid, NotFound
from knarr.runtime.backoff import exponential

log = logging.getLogger(__name__)
FIRST_RETRY, LONGEST_RETRY = 0.1, 5.0  # seconds


def patch_of(pod: Pod, status: JSON, sent: JSON) -> JSON:
    """A strategic merge patch: what the last one had and this one has not goes; others' conditions stay."""
    changed = {name: value for name, value in status.items() if sent.get(name) != value}
    if "conditions" in changed:  # each is merged by its type: the reason that it had must not outlive its status
        changed["conditions"] = [{"reason": None, "message": None} | each for each in changed["conditions"]]
    for addresses in ("podIPs", "hostIPs"):
        if addresses in changed:
            changed[addresses] = [{"$patch": "replace"}, *changed[addresses]]
    return {"metadata": {"uid": pod.uid}, "status": changed | {name: None for name in sent if name not in status}}


class StatusPublisher:
    """One patch at a time for each pod; what fails for lack of a server is tried again."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.sent: dict[str, JSON] = {}
        self.acknowledged: dict[str, int] = {}  # the revision that the last patch made
        self.pending: dict[str, tuple[Pod, JSON]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def publish(self, pod: Pod, status: JSON) -> None:
        if self.overwritten(pod):
            self.sent.pop(pod.uid)
        if pod.uid not in self.pending and self.sent.get(pod.uid) == status:
            return
        self.pending[pod.uid] = (pod, status)
        if pod.uid not in self.tasks:
            self.tasks[pod.uid] = asyncio.create_task(self.send(pod.uid))

    def overwritten(self, pod: Pod) -> bool:
        """Whether somebody has changed a condition since, as the controller does whose node seemed to be lost."""
        if int(pod.metadata.resource_version or 0) <= self.acknowledged.get(pod.uid, 0) or pod.uid not in self.sent:
            return False
        ours = {each["type"]: each["status"] for each in self.sent[pod.uid].get("conditions", ())}
        return any(ours.get(each["type"], each["status"]) != each["status"] for each in pod.status.conditions)

    def last(self, uid: str) -> JSON:
        """The status that the API has or is about to have."""
        if uid in self.pending:
            return self.pending[uid][1]
        return self.sent.get(uid, {})

    async def send(self, uid: str) -> None:
        failures = 0
        try:
            while uid in self.pending:
                pod, status = self.pending[uid]
                if await self.patch(pod, status):
                    failures = 0
                    self.sent[uid] = status
                    if self.pending.get(uid) == (pod, status):
                        del self.pending[uid]
                else:
                    await self.clock.sleep(exponential(FIRST_RETRY, LONGEST_RETRY, failures))
                    failures += 1
        finally:
            self.tasks.pop(uid, None)

    async def patch(self, pod: Pod, status: JSON) -> bool:
        """Whether the API has it now, or never will: the pod is gone, another has its name, or it is refused."""
        patch = patch_of(pod, status, self.sent.get(pod.uid, {}))
        meta = pod.metadata
        try:
            known = await self.client.patch(
                PODS, meta.name, patch, meta.namespace, kind="strategic", subresource="status"
            )
            self.acknowledged[pod.uid] = int(known.metadata.resource_version or 0)
        except (NotFound, Conflict):
            log.debug("status of pod %s not wanted any more", meta.key)
        except Invalid as error:
            log.error("status of pod %s refused: %s", meta.key, error)
        except (APIError, ConnectionError, TimeoutError) as error:
            log.warning("status of pod %s not sent, will be tried again: %s", meta.key, error)
            return False
        return True

    async def flush(self, uid: str) -> None:
        """Wait until the pod's newest status has been sent."""
        if task := self.tasks.get(uid):
            await asyncio.wait([task])

    def forget(self, uid: str) -> None:
        for remembered in (self.sent, self.pending, self.acknowledged):
            remembered.pop(uid, None)

    async def close(self) -> None:
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
