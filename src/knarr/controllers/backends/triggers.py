"""When that happened which a write makes known: the annotation endpoints.kubernetes.io/last-change-trigger-time, from
which the delay of the network's programming is measured.
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.controllers.backends.services import Service
from knarr.controllers.objects import Pod, condition_of


class TriggerTimes:
    """The times already accounted for: of a Service its creation, of Pods their last change of readiness."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def advance(self, service: Service, pods: Iterable[Pod]) -> str:
        """The earliest of the times that are new since the last call; "" if none is."""
        key = service.metadata.key
        known = self._known.get(key, {})
        current = {"": service.metadata.creation_timestamp or "", **{p.metadata.name: _changed(p) for p in pods}}
        self._known[key] = current
        return min((time for name, time in current.items() if time > known.get(name, "")), default="")

    def forget(self, key: str) -> None:
        self._known.pop(key, None)


def _changed(pod: Pod) -> str:
    ready = condition_of(pod.status.conditions, "Ready")
    return (ready.last_transition_time or "") if ready else ""
