"""NetworkPolicies: who may talk to whom."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, selector
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="NetworkPolicy",
    plural="networkpolicies",
    versions=(Version("v1", "io.k8s.api.networking.v1.NetworkPolicy"),),
    group="networking.k8s.io",
    short_names=("netpol",),
    generation=True,
    columns=(NAME, Column("Pod-Selector", selector("spec.podSelector")), AGE),
)
