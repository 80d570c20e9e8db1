"""What the user is told of a Pod that could not be placed: an event each time, the condition where it says new."""

from __future__ import annotations

import logging

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import PODS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError
from knarr.machinery.times import format_time
from knarr.runtime.events import EventRecorder
from knarr.scheduler.objects import Pod

log = logging.getLogger(__name__)

# Reasons of the condition PodScheduled: no node takes the Pod, or something went wrong on the way.
UNSCHEDULABLE, SCHEDULER_ERROR = "Unschedulable", "SchedulerError"


class Reporter:
    """Writes events and conditions of Pods."""

    def __init__(self, client: Client, clock: Clock, events: EventRecorder) -> None:
        self._client, self._clock, self._events = client, clock, events

    def scheduled(self, pod: Pod, node: str) -> None:
        meta = pod.metadata
        text = f"Successfully assigned {meta.namespace}/{meta.name} to {node}"
        self._events.event(pod, "Normal", "Scheduled", text)

    async def not_scheduled(self, pod: Pod, reason: str, message: str) -> None:
        """Of `pod` as it is now: a condition that says the same already is left alone."""
        self._events.event(pod, "Warning", "FailedScheduling", message)
        told = pod.status.condition("PodScheduled")
        if (told.status, told.reason, told.message) == ("False", reason, message):
            return
        condition: JSON = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
        if told.status != "False":
            condition["lastTransitionTime"] = format_time(self._clock.now())
        known: JSON = {"uid": pod.metadata.uid}
        if reason == SCHEDULER_ERROR:  # the binding may have been done, only not answered: then this is not to be said
            known["resourceVersion"] = pod.metadata.resource_version
        await self._write(pod, known, {**condition, "observedGeneration": pod.metadata.generation})

    async def _write(self, pod: Pod, known: JSON, condition: JSON) -> None:
        meta, patch = pod.metadata, {"metadata": known, "status": {"conditions": [condition]}}
        try:
            await self._client.patch(PODS, meta.name, patch, meta.namespace, kind="strategic", subresource="status")
        except (APIError, ConnectionError, TimeoutError) as error:
            log.debug("the condition of %s could not be written: %s", meta.key, error)
