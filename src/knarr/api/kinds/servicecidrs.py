"""ServiceCIDRs: where cluster IPs come from (KEP-1880)."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, joined
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="ServiceCIDR",
    plural="servicecidrs",
    versions=(Version("v1", "io.k8s.api.networking.v1.ServiceCIDR"),),
    group="networking.k8s.io",
    namespaced=False,
    subresources=("status",),
    columns=(NAME, Column("CIDRs", joined("spec.cidrs", default="")), AGE),
)
