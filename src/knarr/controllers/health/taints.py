"""The taints that a node's state calls for.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

from __future__ import annotations

from collections.abc import Mapping

from knarr.controllers.nodes import Node, Taint

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"

_BY_CONDITION: Mapping[tuple[str, str], str] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}
_OURS = frozenset(
    (
        *((key, "NoSchedule") for key in (*_BY_CONDITION.values(), UNSCHEDULABLE)),
        (NOT_READY, "NoExecute"),
        (UNREACHABLE, "NoExecute"),
    )
)


def failure(node: Node) -> str | None:
    """The taint for a node that is not well, None for one that is or that never said."""
    return _BY_CONDITION.get(("Ready", node.condition("Ready")))


def drives_off(node: Node) -> bool:
    """Whether a taint of ours makes Pods leave."""
    return any(t.effect == "NoExecute" and t.key in (NOT_READY, UNREACHABLE) for t in node.spec.taints)


def wanted_taints(node: Node, now: str, *, drive_off: bool) -> tuple[Taint, ...]:
    """The node's taints as they should be: others' untouched, ours by its state; a taint that stays keeps its time.

    A node that has not said yet how it is keeps the taint with which it registered.
    """
    wanted = {(key, "NoSchedule") for (name, status), key in _BY_CONDITION.items() if node.condition(name) == status}
    if node.spec.unschedulable:
        wanted.add((UNSCHEDULABLE, "NoSchedule"))
    if not node.condition("Ready"):
        wanted |= {(t.key, t.effect) for t in node.spec.taints if t.key == NOT_READY}
    if drive_off and (key := failure(node)):
        wanted.add((key, "NoExecute"))
    kept = [t for t in node.spec.taints if (t.key, t.effect) in wanted or (t.key, t.effect) not in _OURS]
    present = {(t.key, t.effect) for t in kept}
    return (*kept, *(Taint(key=key, effect=effect, time_added=now) for key, effect in sorted(wanted - present)))
