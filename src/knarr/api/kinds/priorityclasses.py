"""PriorityClasses: whose Pods go first."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

_HIGHEST = 1_000_000_000
_SYSTEM = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}


def _validate(priority_class: JSON) -> Iterable[FieldError]:
    """The names and the values of the system's own are reserved."""
    name, number = priority_class["metadata"].get("name", ""), priority_class.get("value", 0)
    if name.startswith("system-") and (why := _no_system_class(priority_class, name, number)):
        detail = "priority class names with 'system-' prefix are reserved for system use only"
        yield forbidden("metadata.name", f"{detail}. error: {why}")
    elif not name.startswith("system-") and number > _HIGHEST:
        yield forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")


def _no_system_class(priority_class: JSON, name: str, number: int) -> str:
    """Why it is not the one that the system has by this name."""
    if name not in _SYSTEM:
        return f"{name} is not a known system priority class"
    if number != _SYSTEM[name]:
        return f"value of {name} PriorityClass must be {_SYSTEM[name]}"
    return f"globalDefault of {name} PriorityClass must be false" if priority_class.get("globalDefault") else ""


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    if new.get("value", 0) != old.get("value", 0):
        yield forbidden("value", "may not be changed in an update.")
    if new.get("preemptionPolicy") != old.get("preemptionPolicy"):
        yield invalid("preemptionPolicy", new.get("preemptionPolicy"), "field is immutable")


KIND = Kind(
    kind="PriorityClass",
    plural="priorityclasses",
    versions=(Version("v1", "io.k8s.api.scheduling.v1.PriorityClass"),),
    group="scheduling.k8s.io",
    namespaced=False,
    short_names=("pc",),
    generation=True,
    counts=lambda new, old: False,
    columns=(
        NAME,
        Column("Value", value("value", 0), type="integer"),
        Column("Global-Default", value("globalDefault", False), type="boolean"),
        AGE,
        Column("PreemptionPolicy", value("preemptionPolicy")),
    ),
    validate=_validate,
    validate_update=_validate_update,
)
