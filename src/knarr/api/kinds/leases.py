"""Leases: who leads, who is alive."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, text
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="Lease",
    plural="leases",
    versions=(Version("v1", "io.k8s.api.coordination.v1.Lease"),),
    group="coordination.k8s.io",
    columns=(NAME, Column("Holder", text("spec.holderIdentity", "")), AGE),
)
