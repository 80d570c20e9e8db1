"""RuntimeClasses: which container runtime handler runs a Pod."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="RuntimeClass",
    plural="runtimeclasses",
    versions=(Version("v1", "io.k8s.api.node.v1.RuntimeClass"),),
    group="node.k8s.io",
    namespaced=False,
    columns=(NAME, Column("Handler", value("handler")), AGE),
)
