"""What a ResourceClaim has been given: for whom, which devices, what drivers say of them (KEP-4381, KEP-4817).

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/resource-claim-v1/#ResourceClaimStatus
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_interface

from knarr.api.checks import distinct, json_object
from knarr.api.conditions import check_conditions
from knarr.api.devices import request_names
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, too_long

_DATA_LENGTH = 10 * 1024
_INTERFACE_LENGTH, _HARDWARE_LENGTH = 256, 128
_NO_INTERFACE = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
_NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def references(path: str, names: list[str], known: frozenset[str]) -> Iterable[FieldError]:
    """Requests of a claim are named, each once."""
    yield from distinct(path, names)
    for index, name in enumerate(names):
        yield from reference(f"{path}[{index}]", name, known)


def reference(path: str, name: str, known: frozenset[str]) -> Iterable[FieldError]:
    if name and name not in known:
        yield invalid(path, name, _NO_REQUEST)


def validate_status(new: JSON, old: JSON) -> Iterable[FieldError]:
    """An allocation is for the claim's requests, and drivers speak of what was allocated."""
    allocated = dig(new, "status.allocation") or {}
    if dig(old, "status.allocation") is None:
        yield from _allocation(allocated, "status.allocation.devices", request_names(dig(new, "spec.devices", {})))
    yield from _reserved(new, old)
    yield from _devices(each(new, "status.devices"), {_identity(r) for r in each(allocated, "devices.results")})


def _allocation(allocated: JSON, path: str, known: frozenset[str]) -> Iterable[FieldError]:
    for index, result in enumerate(each(allocated, "devices.results")):
        yield from reference(f"{path}.results[{index}].request", result.get("request") or "", known)
    for index, item in enumerate(each(allocated, "devices.config")):
        yield from references(f"{path}.config[{index}].requests", each(item, "requests"), known)


def _reserved(new: JSON, old: JSON) -> Iterable[FieldError]:
    """Who uses a claim that is to go may leave, and nobody may come."""
    known = each(old, "status.reservedFor")
    if dig(new, "metadata.deletionTimestamp") and any(c not in known for c in each(new, "status.reservedFor")):
        detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        yield forbidden("status.reservedFor", detail)


def _identity(device: JSON) -> str:
    parts = (device.get(name) or "" for name in ("driver", "pool", "device", "shareID"))
    return "/".join(parts).removesuffix("/")


def _devices(devices: list[JSON], allocated: set[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, device in enumerate(devices):
        path, identity = f"status.devices[{index}]", _identity(device)
        if identity not in allocated:
            yield invalid(path, identity, "must be an allocated device in the claim")
        if identity in seen:
            yield duplicate(path, identity)
        seen.add(identity)
        yield from check_conditions(f"{path}.conditions", each(device, "conditions"))
        if device.get("data") is not None:
            yield from json_object(f"{path}.data", device["data"], _DATA_LENGTH)
        yield from _network(device.get("networkData") or {}, f"{path}.networkData")


def _network(data: JSON, path: str) -> Iterable[FieldError]:
    for field, longest in (("interfaceName", _INTERFACE_LENGTH), ("hardwareAddress", _HARDWARE_LENGTH)):
        if len(data.get(field) or "") > longest:
            yield too_long(f"{path}.{field}", longest)
    addresses = each(data, "ips")
    yield from distinct(f"{path}.ips", addresses)
    for index, address in enumerate(addresses):
        if not _is_interface(address):
            yield invalid(f"{path}.ips[{index}]", address, _NO_INTERFACE)


def _is_interface(text: str) -> bool:
    """An address and the length of its network's prefix, both as they are written in short."""
    try:
        return "/" in text and ip_interface(text).with_prefixlen == text
    except ValueError:
        return False
