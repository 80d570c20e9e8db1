"""Addresses behind Services: Endpoints and EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named, reachable, unchanged
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many
from knarr.machinery.names import dns1123_label, dns1123_subdomain, ip, label_value, qualified_name

_CORE, _DISCOVERY = "io.k8s.api.core.v1", "io.k8s.api.discovery.v1"
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SLICE_LIMIT, _ADDRESS_LIMIT = 1000, 100
_PORT_LIMIT, _HINTS_LIMIT = 20_000, 8


def _subset(subset: JSON, path: str) -> Iterable[FieldError]:
    if not each(subset, "addresses") and not each(subset, "notReadyAddresses"):
        yield required(path, "must specify `addresses` or `notReadyAddresses`")
    ports = each(subset, "ports")
    for index, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            yield required(f"{path}.ports[{index}].name")


def _address(address: JSON, path: str) -> Iterable[FieldError]:
    yield from reachable(f"{path}.ip", address.get("ip") or "")
    if name := address.get("hostname"):
        yield from named(f"{path}.hostname", name, dns1123_label)


def _slice(endpoint_slice: JSON, path: str) -> Iterable[FieldError]:
    endpoints, kind = each(endpoint_slice, "endpoints"), endpoint_slice.get("addressType")
    if len(endpoints) > _SLICE_LIMIT:
        yield too_many("endpoints", len(endpoints), _SLICE_LIMIT)
    for index, endpoint in enumerate(endpoints):
        yield from _endpoint(endpoint, kind, f"endpoints[{index}]")
    yield from _ports_differ(each(endpoint_slice, "ports"))


def _endpoint(endpoint: JSON, kind: str | None, path: str) -> Iterable[FieldError]:
    addresses = each(endpoint, "addresses")
    if not addresses:
        yield required(f"{path}.addresses", "must contain at least 1 address")
    if len(addresses) > _ADDRESS_LIMIT:
        yield too_many(f"{path}.addresses", len(addresses), _ADDRESS_LIMIT)
    for index, address in enumerate(addresses):
        where = f"{path}.addresses[{index}]"
        if kind == "FQDN":
            yield from named(where, address, dns1123_subdomain)
        else:
            yield from _of_family(where, address, kind) or reachable(where, address)


def _hints(hints: JSON, path: str) -> Iterable[FieldError]:
    """For whom an endpoint is meant: zones and nodes, each once and at most eight of them (KEP-2433, KEP-3015)."""
    for field in ("forZones", "forNodes"):
        given, seen = each(hints, field), set[str]()
        if len(given) > _HINTS_LIMIT:
            yield too_many(f"{path}.{field}", len(given), _HINTS_LIMIT)
            continue
        for index, hint in enumerate(given):
            where, name = f"{path}.{field}[{index}].name", hint.get("name") or ""
            if name in seen:
                yield duplicate(where, name)
            seen.add(name)
            yield from named(where, name, label_value if field == "forZones" else dns1123_subdomain)


def _ports_differ(ports: list[JSON]) -> Iterable[FieldError]:
    if len(ports) > _PORT_LIMIT:
        yield too_many("ports", len(ports), _PORT_LIMIT)
        return
    seen: set[str] = set()
    for index, port in enumerate(ports):
        if (name := port.get("name") or "") in seen:
            yield duplicate(f"ports[{index}].name", name)
        seen.add(name)


def _of_family(path: str, address: str, kind: str | None) -> list[FieldError]:
    if ip(address) or (":" in address) != (kind == "IPv6"):
        return [invalid(path, address, f"must be a valid {kind} address")]
    return []


def _slice_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    yield from unchanged("addressType", new.get("addressType"), old.get("addressType"))


RULES = (
    Rules(f"{_CORE}.EndpointSubset", validate=_subset),
    Rules(f"{_CORE}.EndpointAddress", required=("ip",), names={"nodeName": dns1123_subdomain}, validate=_address),
    Rules(
        f"{_CORE}.EndpointPort",
        defaults={"protocol": "TCP"},
        enums={"protocol": _PROTOCOLS},
        bounds={"port": (1, 65535)},
        names={"name": dns1123_label, "appProtocol": qualified_name},
    ),
    Rules(
        f"{_DISCOVERY}.EndpointSlice",
        enums={"addressType": ("FQDN", "IPv4", "IPv6")},
        validate=_slice,
        validate_update=_slice_update,
    ),
    Rules(
        f"{_DISCOVERY}.EndpointPort",
        defaults={"name": "", "protocol": "TCP"},
        enums={"protocol": _PROTOCOLS},
        names={"name": dns1123_label, "appProtocol": qualified_name},
    ),
    Rules(f"{_DISCOVERY}.Endpoint", names={"hostname": dns1123_label, "nodeName": dns1123_subdomain}),
    Rules(f"{_DISCOVERY}.EndpointHints", validate=_hints),
)
