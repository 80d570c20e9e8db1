"""ResourceSlices: the devices of a pool, what they are, and where they can be used (KEP-4381)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from knarr.api.checks import distinct, named, unchanged
from knarr.api.devices import attribute_name, driver_name, pool_name
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required, too_long, too_many
from knarr.machinery.names import dns1123_label, dns1123_subdomain

_RESOURCE = "io.k8s.api.resource.v1"
_DEVICES, _DEVICES_WITH_TAINTS = 128, 64
_QUALITIES = 32  # attributes and capacities of a device
_COUNTERS = 32  # of a set
_VALUE_LENGTH = 64
_PLACES = ("nodeName", "nodeSelector", "allNodes")
_VALUES = ("bool", "int", "string", "version")
_PRERELEASE = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    rf"(-{_PRERELEASE}(\.{_PRERELEASE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)


def _slice(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from _places(spec, path, (*_PLACES, "perDeviceNodeSelection"))
    terms = dig(spec, "nodeSelector.nodeSelectorTerms", [])
    if spec.get("nodeSelector") is not None and len(terms) != 1:
        where = f"{path}.nodeSelector.nodeSelectorTerms"
        yield invalid(where, terms, "must have exactly one node selector term")
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        yield invalid(path, "", "only one of `sharedCounters` or `devices` is allowed")
    yield from _devices(spec, f"{path}.devices")
    yield from distinct(
        f"{path}.sharedCounters", each(spec, "sharedCounters"), lambda counters: counters.get("name", "")
    )


def _places(holder: JSON, path: str, choices: tuple[str, ...]) -> Iterable[FieldError]:
    """Exactly one says where it is; a no is no choice, and neither is an empty name."""
    given = [f"`{name}`" for name in choices if holder.get(name) not in (None, False, "")]
    listed = ", ".join(f"`{name}`" for name in choices)
    for name in choices:
        if holder.get(name) is False:
            yield invalid(f"{path}.{name}", False, "must be either unset or set to true")
    if holder.get("nodeName") == "":
        yield invalid(f"{path}.nodeName", "", "must be either unset or set to a non-empty string")
    if not given:
        yield required(path, f"exactly one of {listed} is required")
    elif len(given) > 1:
        detail = f"exactly one of {listed} is required, but multiple fields are set"
        yield invalid(path, f"{{{', '.join(given)}}}", detail)


def _devices(spec: JSON, path: str) -> Iterable[FieldError]:
    devices = each(spec, "devices")
    crowded = any(device.get("taints") or device.get("consumesCounters") for device in devices)
    limit = _DEVICES_WITH_TAINTS if crowded else _DEVICES
    if len(devices) > limit:
        yield too_many(path, len(devices), limit)
        return
    yield from distinct(path, devices, lambda device: device.get("name", ""))
    for index, device in enumerate(devices):
        yield from _device_place(device, f"{path}[{index}]", each_alone=bool(spec.get("perDeviceNodeSelection")))


def _device_place(device: JSON, path: str, *, each_alone: bool) -> Iterable[FieldError]:
    if each_alone:
        yield from _places(device, path, _PLACES)
    elif any(device.get(name) is not None for name in _PLACES):
        detail = (
            "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` "
            "is set to true in the ResourceSlice spec"
        )
        yield invalid(path, None, detail)


def _device(device: JSON, path: str) -> Iterable[FieldError]:
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    qualities = len(attributes) + len(capacity)
    if qualities > _QUALITIES:
        detail = f"the total number of attributes and capacities must not exceed {_QUALITIES}"
        yield invalid(path, qualities, detail)
    for field, named_values in (("attributes", attributes), ("capacity", capacity)):
        for name in named_values:
            yield from named(f"{path}.{field}[{name}]", name, attribute_name)
    if not device.get("allowMultipleAllocations"):
        for name, amount in capacity.items():
            if amount.get("requestPolicy") is not None:
                yield forbidden(f"{path}.capacity[{name}].requestPolicy", "allowMultipleAllocations must be true")
    yield from distinct(
        f"{path}.consumesCounters", each(device, "consumesCounters"), lambda used: used.get("counterSet", "")
    )


def _attribute(attribute: JSON, path: str) -> Iterable[FieldError]:
    given = [name for name in _VALUES if attribute.get(name) is not None]
    if len(given) != 1:
        yield invalid(path, attribute or "", "exactly one value must be specified")
    version = attribute.get("version")
    if version is not None and not _SEMVER.fullmatch(version):
        yield invalid(f"{path}.version", version, "must be a string compatible with semver.org spec 2.0.0")
    for name in ("string", "version"):
        if len(attribute.get(name) or "") > _VALUE_LENGTH:
            yield too_long(f"{path}.{name}", _VALUE_LENGTH)


def _pool(pool: JSON, path: str) -> Iterable[FieldError]:
    if pool.get("resourceSliceCount", 0) <= 0:
        yield invalid(f"{path}.resourceSliceCount", pool.get("resourceSliceCount", 0), "must be greater than zero")
    if pool.get("generation", 0) < 0:
        yield invalid(f"{path}.generation", pool["generation"], "must be greater than or equal to zero")


def _counters(holder: JSON, path: str) -> Iterable[FieldError]:
    for name in holder.get("counters") or {}:
        yield from named(f"{path}.counters[{name}]", name, dns1123_label)


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """Whose the slice is, and of which pool, stays."""
    for field in ("pool.name", "driver", "nodeName"):
        yield from unchanged(f"{path}.{field}", dig(new, field), dig(old, field))


RULES = (
    Rules(
        f"{_RESOURCE}.ResourceSliceSpec",
        required=("driver",),
        sizes={"sharedCounters": 8},
        names={"driver": driver_name, "nodeName": dns1123_subdomain},
        validate=_slice,
        validate_update=_update,
    ),
    Rules(f"{_RESOURCE}.ResourcePool", required=("name",), names={"name": pool_name}, validate=_pool),
    Rules(
        f"{_RESOURCE}.Device",
        required=("name",),
        sizes={"taints": 16, "consumesCounters": 2, "bindingConditions": 4, "bindingFailureConditions": 4},
        names={"name": dns1123_label, "nodeName": dns1123_subdomain},
        validate=_device,
    ),
    Rules(f"{_RESOURCE}.DeviceAttribute", validate=_attribute),
    Rules(
        f"{_RESOURCE}.CounterSet",
        required=("name", "counters"),
        sizes={"counters": _COUNTERS},
        names={"name": dns1123_label},
        validate=_counters,
    ),
    Rules(
        f"{_RESOURCE}.DeviceCounterConsumption",
        required=("counterSet", "counters"),
        sizes={"counters": _COUNTERS},
        names={"counterSet": dns1123_label},
        validate=_counters,
    ),
)
