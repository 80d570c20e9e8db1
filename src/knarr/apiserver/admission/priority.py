"""Priority: a new Pod's priority class becomes its number.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes, Plugin


@dataclass(frozen=True, slots=True)
class SystemClass:
    """A class that every cluster has."""

    value: int
    description: str


SYSTEM_CLASSES = {
    "system-cluster-critical": SystemClass(
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    "system-node-critical": SystemClass(
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
}
_GROUP, _CLASSES = "scheduling.k8s.io", "priorityclasses"
_DEFAULT_PREEMPTION = "PreemptLowerPriority"


def validate(attributes: Attributes) -> None:
    """Only one class may be the default; those that are, from before, stay so."""
    if attributes.kind.plural == _CLASSES and (attributes.object or {}).get("globalDefault"):
        default = _default_class(attributes)
        if default and default["metadata"]["name"] != attributes.name:
            name = default["metadata"]["name"]
            raise attributes.forbidden(f"PriorityClass {name} is already marked as default. Only one default can exist")


def mutate(attributes: Attributes) -> None:
    if attributes.kind.plural != "pods":
        return
    spec = (attributes.object or {})["spec"]
    if attributes.operation == "UPDATE":
        _keep(spec, (attributes.old or {})["spec"])
        return
    if not spec.get("priorityClassName") and (default := _default_class(attributes)):
        spec["priorityClassName"] = default["metadata"]["name"]
    value, policy = _resolve(attributes, spec.get("priorityClassName", ""))
    _set(attributes, spec, "priority", value, "integer value of priority")
    _set(attributes, spec, "preemptionPolicy", policy, "string value of preemptionPolicy")


def _keep(new: JSON, old: JSON) -> None:
    """An update may leave out what was resolved at the creation."""
    for name in ("priority", "preemptionPolicy"):
        if name in old:
            new.setdefault(name, old[name])


def _default_class(attributes: Attributes) -> JSON | None:
    """The class that stands in for none: of several global defaults, the one with the lowest value."""
    classes = [c for c in attributes.lister.list(_GROUP, _CLASSES) if c.get("globalDefault")]
    return min(classes, key=lambda c: int(c.get("value", 0)), default=None)


def _resolve(attributes: Attributes, name: str) -> tuple[int, str]:
    if not name:
        return 0, _DEFAULT_PREEMPTION
    if found := attributes.lister.get(_GROUP, _CLASSES, "", name):
        return int(found.get("value", 0)), found.get("preemptionPolicy", _DEFAULT_PREEMPTION)
    if name in SYSTEM_CLASSES:
        return SYSTEM_CLASSES[name].value, _DEFAULT_PREEMPTION
    raise attributes.forbidden(f"no PriorityClass with name {name} was found")


def _set(attributes: Attributes, spec: JSON, name: str, value: Any, what: str) -> None:
    """What the client computed itself must be what the class says."""
    if spec.setdefault(name, value) != value:
        raise attributes.forbidden(
            f"the {what} ({spec[name]}) must not be provided in pod spec; "
            f"priority admission controller computed {value} from the given PriorityClass name"
        )


PLUGIN = Plugin(
    "Priority",
    mutate=mutate,
    validate=validate,
    resources=("pods", f"{_CLASSES}.{_GROUP}"),
)
