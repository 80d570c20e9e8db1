"""CSINodes: which storage drivers a node has."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="CSINode",
    plural="csinodes",
    versions=(Version("v1", "io.k8s.api.storage.v1.CSINode"),),
    group="storage.k8s.io",
    namespaced=False,
    columns=(NAME, Column("Drivers", count("spec.drivers"), type="integer"), AGE),
)
