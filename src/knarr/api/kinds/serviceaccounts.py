"""ServiceAccounts: identities for what runs in Pods."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="ServiceAccount",
    plural="serviceaccounts",
    versions=(Version("v1", "io.k8s.api.core.v1.ServiceAccount"),),
    short_names=("sa",),
    subresources=("token",),
    columns=(NAME, Column("Secrets", count("secrets")), AGE),
)
