"""Dynamic resource allocation: what drivers offer, classes select, and claims ask for and get (KEP-4381).

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from knarr.api.allocations import references
from knarr.api.checks import distinct, json_object, named, unchanged
from knarr.api.devices import driver_name, fully_qualified, pool_name, request_names
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required, too_long
from knarr.machinery.names import dns1123_label, dns1123_subdomain, label_value, qualified_name

_RESOURCE = "io.k8s.api.resource.v1"
_MODES = ("All", "ExactCount")
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_EXPRESSION_LIMIT = _PARAMETERS_LIMIT = 10 * 1024


def _name_of(item: JSON) -> str:
    return str(item.get("name", ""))


def _claim(claim: JSON, path: str) -> Iterable[FieldError]:
    """Constraints and configurations name requests of the claim."""
    yield from distinct(f"{path}.requests", each(claim, "requests"), _name_of)
    known = request_names(claim)
    for field in ("constraints", "config"):
        for index, item in enumerate(each(claim, field)):
            yield from references(f"{path}.{field}[{index}].requests", each(item, "requests"), known)


def _request(request: JSON, path: str) -> Iterable[FieldError]:
    exactly, alternatives = request.get("exactly"), each(request, "firstAvailable")
    if exactly is None and not alternatives:
        yield required(path, "exactly one of `exactly` or `firstAvailable` is required")
    elif exactly is not None and alternatives:
        detail = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"
        yield invalid(path, None, detail)
    yield from distinct(f"{path}.firstAvailable", alternatives, _name_of)


def _default_count(request: JSON) -> None:
    """One device, unless something else is said."""
    mode = request.get("allocationMode") or "ExactCount"
    request["allocationMode"] = mode
    if mode == "ExactCount" and not request.get("count"):
        request["count"] = 1


def _count(request: JSON, path: str) -> Iterable[FieldError]:
    mode, count = request.get("allocationMode"), request.get("count", 0)
    if mode == "All" and count:
        yield invalid(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    elif mode == "ExactCount" and count <= 0:
        yield invalid(f"{path}.count", count, "must be greater than zero")


def _selector(selector: JSON, path: str) -> Iterable[FieldError]:
    if selector.get("cel") is None:
        yield required(f"{path}.cel")
        return
    expression = selector["cel"].get("expression") or ""
    if len(expression) > _EXPRESSION_LIMIT:
        yield too_long(f"{path}.cel.expression", _EXPRESSION_LIMIT)
    elif expression:
        from knarr.api.deviceexpressions import check  # the language is loaded with the first of them

        yield from check(f"{path}.cel.expression", expression)


def _constraint(constraint: JSON, path: str) -> Iterable[FieldError]:
    given = [name for name in ("matchAttribute", "distinctAttribute") if constraint.get(name) is not None]
    if len(given) != 1:
        detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        yield required(path, detail)
    for name in given:
        yield from named(f"{path}.{name}", constraint[name], fully_qualified)


def _configuration(configuration: JSON, path: str) -> Iterable[FieldError]:
    if configuration.get("opaque") is None:
        yield required(f"{path}.opaque")


def _opaque(opaque: JSON, path: str) -> Iterable[FieldError]:
    """Parameters are the driver's business, but an object."""
    parameters, where = opaque.get("parameters"), f"{path}.parameters"
    if parameters is None:
        yield required(where)
    else:
        yield from json_object(where, parameters, _PARAMETERS_LIMIT)


def _toleration(toleration: JSON, path: str) -> Iterable[FieldError]:
    if key := toleration.get("key"):
        yield from named(f"{path}.key", key, qualified_name)
    if toleration.get("operator") == "Exists" and toleration.get("value"):
        yield invalid(f"{path}.value", toleration["value"], "must be empty for operator `Exists`")
    elif value := toleration.get("value"):
        yield from named(f"{path}.value", value, label_value)


def _consumers(status: JSON, path: str) -> Iterable[FieldError]:
    consumers = each(status, "reservedFor")
    yield from distinct(f"{path}.reservedFor", consumers, lambda consumer: consumer.get("uid", ""))
    if consumers and status.get("allocation") is None:
        yield forbidden(f"{path}.reservedFor", "may not be specified when `allocated` is not set")


def _allocation_update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """An allocation is given back whole, never changed."""
    if new.get("allocation") is not None and old.get("allocation") is not None:
        yield from unchanged(f"{path}.allocation", new["allocation"], old["allocation"])


def _class(spec: JSON, path: str) -> Iterable[FieldError]:
    name = spec.get("extendedResourceName")
    if name is not None and ("/" not in name or "kubernetes.io/" in name or qualified_name(f"requests.{name}")):
        yield invalid(f"{path}.extendedResourceName", name, "must be a valid extended resource name")


_EXACT = Rules(
    f"{_RESOURCE}.ExactDeviceRequest",
    required=("deviceClassName",),
    enums={"allocationMode": _MODES},
    sizes={"selectors": 32, "tolerations": 16},
    names={"deviceClassName": dns1123_subdomain},
    default=_default_count,
    validate=_count,
)

RULES = (
    Rules(
        f"{_RESOURCE}.DeviceClaim",
        sizes={"requests": 32, "constraints": 32, "config": 32},
        validate=_claim,
    ),
    Rules(f"{_RESOURCE}.DeviceRequest", names={"name": dns1123_label}, sizes={"firstAvailable": 8}, validate=_request),
    _EXACT,
    replace(
        _EXACT,
        definition=f"{_RESOURCE}.DeviceSubRequest",
        required=("name", "deviceClassName"),
        names={"name": dns1123_label, "deviceClassName": dns1123_subdomain},
    ),
    Rules(f"{_RESOURCE}.DeviceSelector", validate=_selector),
    Rules(f"{_RESOURCE}.DeviceConstraint", sizes={"requests": 32}, validate=_constraint),
    Rules(f"{_RESOURCE}.DeviceClaimConfiguration", sizes={"requests": 32}, validate=_configuration),
    Rules(f"{_RESOURCE}.DeviceClassConfiguration", validate=_configuration),
    Rules(f"{_RESOURCE}.DeviceAllocationConfiguration", enums={"source": ("FromClaim", "FromClass")}),
    Rules(
        f"{_RESOURCE}.OpaqueDeviceConfiguration", required=("driver",), names={"driver": driver_name}, validate=_opaque
    ),
    Rules(
        f"{_RESOURCE}.DeviceToleration",
        defaults={"operator": "Equal"},
        enums={"operator": ("Equal", "Exists"), "effect": _EFFECTS},
        validate=_toleration,
    ),
    Rules(
        f"{_RESOURCE}.DeviceTaint",
        required=("key", "effect"),
        enums={"effect": _EFFECTS},
        names={"key": qualified_name, "value": label_value},
    ),
    Rules(f"{_RESOURCE}.DeviceClassSpec", sizes={"selectors": 32, "config": 32}, validate=_class),
    Rules(f"{_RESOURCE}.ResourceClaim", immutable=("spec",)),
    Rules(f"{_RESOURCE}.ResourceClaimTemplate", immutable=("spec",)),
    Rules(
        f"{_RESOURCE}.ResourceClaimStatus",
        sizes={"reservedFor": 256},
        validate=_consumers,
        validate_update=_allocation_update,
    ),
    Rules(f"{_RESOURCE}.ResourceClaimConsumerReference", required=("resource", "name", "uid")),
    Rules(f"{_RESOURCE}.DeviceAllocationResult", sizes={"results": 32, "config": 64}),
    Rules(
        f"{_RESOURCE}.DeviceRequestAllocationResult",
        required=("request", "driver", "pool", "device"),
        names={"driver": driver_name, "pool": pool_name, "device": dns1123_label},
    ),
    Rules(
        f"{_RESOURCE}.AllocatedDeviceStatus",
        required=("driver", "pool", "device"),
        sizes={"conditions": 8},
        names={"driver": driver_name, "pool": pool_name, "device": dns1123_label},
    ),
    Rules(f"{_RESOURCE}.NetworkDeviceData", sizes={"ips": 16}),
)
