"""How long nodes have been silent, by our own monotonic clock: the times that nodes write are only compared with those
that they wrote before, so that no clock's jump makes a node dead.
"""

from __future__ import annotations

from dataclasses import dataclass

from knarr.client.objects import JSON
from knarr.controllers.nodes import Node

GRACE = 50.0  # seconds of silence after which nothing is known of a node
STARTUP_GRACE = 60.0  # of a node that has never said how it is

# What a silent node may have said last, and nobody can be sure of any more.
CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(slots=True)
class _Pulse:
    beat: str = ""
    at: float = 0.0


class Heartbeats:
    """The last sign of life of each node, and when it was seen here; leases and status both count."""

    def __init__(self) -> None:
        self._pulses: dict[tuple[str, str], _Pulse] = {}

    def hear(self, node: str, source: str, beat: str, now: float) -> None:
        """A source ("lease" or "status") was seen with this beat."""
        pulse = self._pulses.get((node, source))
        if pulse is None or pulse.beat != beat:
            self._pulses[node, source] = _Pulse(beat, now)

    def silence(self, node: str, now: float) -> float:
        """Seconds since the last sign of life."""
        heard = [self._pulses[node, source].at for source in ("lease", "status") if (node, source) in self._pulses]
        return now - max(heard, default=now)

    def forget(self, node: str) -> None:
        for source in ("lease", "status"):
            self._pulses.pop((node, source), None)


def status_beat(node: Node) -> str:
    """The sign of life in a node's status."""
    ready = next((c for c in node.status.conditions if c.type == "Ready"), None)
    return f"{ready.last_heartbeat_time} {ready.status}" if ready and ready.status != "Unknown" else ""


def grace_of(node: Node) -> float:
    return GRACE if node.condition("Ready") else STARTUP_GRACE


def unknown_conditions(node: Node, now: str) -> list[JSON]:
    """The conditions of a node that fell silent, as far as they must be written."""
    known = {c.type: c for c in node.status.conditions}
    never = ("NodeStatusNeverUpdated", "Kubelet never posted node status.")
    stopped = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
    missing = [name for name in CONDITIONS if name not in known]
    stale = [name for name in CONDITIONS if name in known and known[name].status != "Unknown"]
    born = node.metadata.creation_timestamp or now
    return [
        *(_condition(name, *never, heartbeat=born, now=now) for name in missing),
        *(_condition(name, *stopped, heartbeat=known[name].last_heartbeat_time, now=now) for name in stale),
    ]


def _condition(name: str, reason: str, message: str, *, heartbeat: str | None, now: str) -> JSON:
    times = {"lastHeartbeatTime": heartbeat, "lastTransitionTime": now}
    return {"type": name, "status": "Unknown", "reason": reason, "message": message, **times}
