"""ComponentStatuses: what once told whether the control plane is well; only read, and empty since nothing reports."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import NAME, Cell
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each


def _healthy(key: str) -> Cell:
    def cell(component: JSON, now: datetime) -> str:
        return next((str(c.get(key, "")) for c in each(component, "conditions") if c.get("type") == "Healthy"), "")

    return cell


def _status(component: JSON, now: datetime) -> str:
    return {"True": "Healthy", "False": "Unhealthy"}.get(_healthy("status")(component, now), "Unknown")


KIND = Kind(
    kind="ComponentStatus",
    plural="componentstatuses",
    versions=(
        Version("v1", "io.k8s.api.core.v1.ComponentStatus", deprecated="v1 ComponentStatus is deprecated in v1.19+"),
    ),
    namespaced=False,
    short_names=("cs",),
    verbs=("get", "list"),
    columns=(
        NAME,
        Column("Status", _status, description="Status of the component conditions"),
        Column("Message", _healthy("message"), description="Message of the component conditions"),
        Column("Error", _healthy("error"), description="Error of the component conditions"),
    ),
)
