"""EndpointSlices: the addresses behind a Service, in pieces of bounded size."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, UNSET, shown, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each


def _ports(endpoint_slice: JSON, now: datetime) -> str:
    ports = each(endpoint_slice, "ports")
    return shown([str(port.get("port") or port.get("name") or "*") for port in ports], empty=UNSET)


def _endpoints(endpoint_slice: JSON, now: datetime) -> str:
    endpoints = each(endpoint_slice, "endpoints")
    return shown([address for endpoint in endpoints for address in endpoint.get("addresses") or ()], empty=UNSET)


KIND = Kind(
    kind="EndpointSlice",
    plural="endpointslices",
    versions=(Version("v1", "io.k8s.api.discovery.v1.EndpointSlice"),),
    group="discovery.k8s.io",
    generation=True,
    columns=(
        NAME,
        Column("AddressType", value("addressType")),
        Column("Ports", _ports, shows="ports"),
        Column("Endpoints", _endpoints, shows="endpoints"),
        AGE,
    ),
)
