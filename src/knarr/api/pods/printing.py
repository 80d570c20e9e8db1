"""A Pod in one line: what READY, STATUS and RESTARTS say.

The words are those of upstream's printer, explained in the docs' "Pod Lifecycle".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import NONE, since
from knarr.api.kind import JSON
from knarr.api.paths import dig, each


def status(pod: JSON, now: datetime | None = None) -> str:
    """The phase, or the most telling reason why it is not simply Running."""
    if dig(pod, "metadata.deletionTimestamp"):
        if dig(pod, "status.reason") == "NodeLost":
            return "Unknown"
        if dig(pod, "status.phase") not in {"Succeeded", "Failed"}:
            return "Terminating"
    blocked = _init_reason(pod)
    if blocked and not _condition(pod, "Initialized"):
        return blocked
    return _containers_reason(pod) or blocked or _pod_reason(pod)


def ready(pod: JSON, now: datetime | None = None) -> str:
    """Containers ready out of all; sidecars count, other init containers do not."""
    sidecars = _sidecars(pod)
    total = len(each(pod, "spec.containers")) + len(sidecars)
    waiting = _waits_for_init(pod)
    counted = [s for s in _passed_init(pod) if s["name"] in sidecars and s.get("started") and not _exited(s)]
    if not waiting:
        counted += [s for s in each(pod, "status.containerStatuses") if dig(s, "state.running") is not None]
    return f"{sum(bool(s.get('ready')) for s in counted)}/{total}"


def restarts(pod: JSON, now: datetime) -> str:
    """How often containers were restarted, and how long ago last: `3 (5s ago)`."""
    counted = _restarting(pod)
    number = sum(s.get("restartCount", 0) for s in counted)
    ends = [end for s in counted if (end := dig(s, "lastState.terminated.finishedAt"))]
    return f"{number} ({since(max(ends), now)} ago)" if number and ends else str(number)


def readiness_gates(pod: JSON, now: datetime | None = None) -> str:
    gates = each(pod, "spec.readinessGates")
    passed = sum(_condition(pod, gate.get("conditionType", "")) for gate in gates)
    return f"{passed}/{len(gates)}" if gates else NONE


def _restarting(pod: JSON) -> list[JSON]:
    """While initialising the init containers tell; afterwards the containers and the sidecars."""
    if _waits_for_init(pod):
        return _passed_init(pod)
    sidecars = _sidecars(pod)
    return [s for s in _passed_init(pod) if s["name"] in sidecars] + each(pod, "status.containerStatuses")


def _waits_for_init(pod: JSON) -> bool:
    return bool(_init_reason(pod)) and not _condition(pod, "Initialized")


def _passed_init(pod: JSON) -> list[JSON]:
    """Statuses of the init containers up to and including the first that is not done."""
    statuses, sidecars = each(pod, "status.initContainerStatuses"), _sidecars(pod)
    pending = next((i for i, s in enumerate(statuses) if not _done(s, sidecars)), len(statuses))
    return statuses[: pending + 1]


def _init_reason(pod: JSON) -> str:
    """Why initialisation has not finished; empty when it has."""
    sidecars = _sidecars(pod)
    for index, status in enumerate(each(pod, "status.initContainerStatuses")):
        if _done(status, sidecars):
            continue
        if terminated := dig(status, "state.terminated"):
            return f"Init:{_exit(terminated)}"
        waiting = dig(status, "state.waiting.reason", "")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{index}/{len(each(pod, 'spec.initContainers'))}"
    return ""


def _containers_reason(pod: JSON) -> str:
    """The reason of the first container that is not running; "Completed" yields to one that still is."""
    statuses = each(pod, "status.containerStatuses")
    reason = next((r for r in map(_container_reason, statuses) if r), "")
    running = any(s.get("ready") and dig(s, "state.running") is not None for s in statuses)
    if reason == "Completed" and running:
        return "Running" if _condition(pod, "Ready") else "NotReady"
    return reason


def _container_reason(status: JSON) -> str:
    if waiting := dig(status, "state.waiting.reason", ""):
        return str(waiting)
    terminated = dig(status, "state.terminated")
    return _exit(terminated) if terminated is not None else ""


def _pod_reason(pod: JSON) -> str:
    conditions: Iterable[JSON] = each(pod, "status.conditions")
    if any(c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated" for c in conditions):
        return "SchedulingGated"
    return str(dig(pod, "status.reason") or dig(pod, "status.phase", ""))


def _exit(terminated: JSON) -> str:
    if reason := terminated.get("reason"):
        return str(reason)
    signal = terminated.get("signal", 0)
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _exited(status: JSON) -> bool:
    terminated = dig(status, "state.terminated")
    return terminated is not None and terminated.get("exitCode", 0) == 0


def _done(status: JSON, sidecars: set[str]) -> bool:
    return _exited(status) or bool(status.get("name") in sidecars and status.get("started"))


def _sidecars(pod: JSON) -> set[str]:
    return {c.get("name", "") for c in each(pod, "spec.initContainers") if c.get("restartPolicy") == "Always"}


def _condition(pod: JSON, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in each(pod, "status.conditions"))
