"""Endpoints: the addresses behind a Service, in one object (EndpointSlices succeed them)."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, shown
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each

_DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


def _addresses(endpoints: JSON, now: datetime) -> str:
    found = [text for subset in each(endpoints, "subsets") for text in _subset(subset)]
    return shown(found)


def _subset(subset: JSON) -> list[str]:
    """Every ready address with every port; addresses alone where there are no ports."""
    hosts = [address.get("ip", "") for address in each(subset, "addresses")]
    ports = [port.get("port") for port in each(subset, "ports")]
    if not ports:
        return hosts
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for port in ports for host in hosts]


KIND = Kind(
    kind="Endpoints",
    plural="endpoints",
    versions=(Version("v1", "io.k8s.api.core.v1.Endpoints", deprecated=_DEPRECATED),),
    short_names=("ep",),
    storage_prefix="/registry/services/endpoints",
    columns=(NAME, Column("Endpoints", _addresses, shows="subsets"), AGE),
)
