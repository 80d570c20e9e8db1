"""The conditions of a Node, as upstream's kubelet words them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knarr.client.objects import JSON
from knarr.kubelet.cri.runtime import RuntimeState
from knarr.kubelet.machine import Pressure
from knarr.machinery.errors import aggregate


def conditions(
    state: RuntimeState, pressure: Pressure, now: str, previous: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """All of them at this time; a transition is where the status is not what it was."""
    before = {condition["type"]: condition for condition in previous}
    return [_stamped(condition, now, before.get(condition["type"])) for condition in _current(state, pressure)]


def _current(state: RuntimeState, pressure: Pressure) -> list[dict[str, str]]:
    return [
        _condition(
            "MemoryPressure",
            pressure.memory,
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        ),
        _condition(
            "DiskPressure",
            pressure.disk,
            ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        ),
        _condition(
            "PIDPressure",
            pressure.pids,
            ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        ),
        _condition(
            "Ready",
            state.ready and state.network_ready,
            ("KubeletNotReady", _why_not_ready(state)),
            ("KubeletReady", "kubelet is posting ready status"),
        ),
    ]


def _condition(type: str, holds: bool, otherwise: tuple[str, str], then: tuple[str, str]) -> dict[str, str]:
    reason, message = then if holds else otherwise
    return {"type": type, "status": "True" if holds else "False", "reason": reason, "message": message}


def _why_not_ready(state: RuntimeState) -> str:
    problems = []
    if not state.ready:
        problems.append(state.message or "container runtime is down")
    if not state.network_ready:
        detail = state.network_message or "reason:NetworkPluginNotReady message:cni plugin not initialized"
        problems.append(f"container runtime network not ready: NetworkReady=false {detail}")
    return aggregate(problems)


def _stamped(condition: dict[str, str], now: str, before: Mapping[str, str] | None) -> dict[str, str]:
    same = before is not None and before["status"] == condition["status"]
    since = before.get("lastTransitionTime", now) if same and before else now
    return {**condition, "lastHeartbeatTime": now, "lastTransitionTime": since}


def essence(status: JSON) -> JSON:
    """A status without its heartbeats: what has to differ for a write to be worth it."""
    bare = [{k: v for k, v in c.items() if k != "lastHeartbeatTime"} for c in status.get("conditions", ())]
    return {**status, "conditions": bare}
