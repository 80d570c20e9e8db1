"""PriorityClasses: whose Pods go first."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

_HIGHEST = 1_000_000_000
_SYSTEM = ("system-node-critical", "system-cluster-critical")


def _validate(priority_class: JSON) -> Iterable[FieldError]:
    """The names and the values of the system's own are reserved."""
    name, number = priority_class["metadata"].get("name", ""), priority_class.get("value", 0)
    if name.startswith("system-") and name not in _SYSTEM:
        detail = "priority class names with 'system-' prefix are reserved for system use only"
        yield forbidden("metadata.name", f"{detail}. error: {name} is not a known system priority class")
    elif not name.startswith("system-") and number > _HIGHEST:
        yield forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")


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
