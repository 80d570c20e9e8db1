"""Services: ports, types and what each type allows."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import labels, named, port_or_name, reachable
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.api.services import NODE_PORT_TYPES, is_external, is_headless
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, required
from knarr.machinery.names import dns1123_label, dns1123_subdomain, ip

_CORE = "io.k8s.api.core.v1"
_AFFINITY_SECONDS = 10800


def _default(spec: JSON) -> None:
    if spec.get("sessionAffinity") == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {}).setdefault(
            "timeoutSeconds", _AFFINITY_SECONDS
        )
    if is_external(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec.get("type") == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if spec.get("type") != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")


def _validate(spec: JSON, path: str) -> Iterable[FieldError]:
    yield from labels(f"{path}.selector", spec.get("selector"))
    if spec.get("type") == "ExternalName":
        yield from _external_name(spec, path)
    else:
        yield from _ports(spec, path)
    yield from _addresses(spec, path)
    if spec.get("externalTrafficPolicy") and not is_external(spec):
        detail = "may only be set for externally-accessible services"
        yield invalid(f"{path}.externalTrafficPolicy", spec["externalTrafficPolicy"], detail)


def _external_name(spec: JSON, path: str) -> Iterable[FieldError]:
    name = (spec.get("externalName") or "").removesuffix(".")
    if not name:
        yield required(f"{path}.externalName")
    else:
        yield from named(f"{path}.externalName", name, dns1123_subdomain)
    if any(address for address in [spec.get("clusterIP"), *each(spec, "clusterIPs")] if address):
        yield forbidden(f"{path}.clusterIPs", "may not be set when `type` is ExternalName")


def _addresses(spec: JSON, path: str) -> Iterable[FieldError]:
    given = each(spec, "clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else [])
    for index, address in enumerate(given):
        if address != "None" and ip(address):
            yield invalid(f"{path}.clusterIPs[{index}]", address, "must be empty, 'None', or a valid IP address")
    if given and spec.get("clusterIP") not in (None, "", given[0]):
        yield invalid(f"{path}.clusterIPs", given, "first value must match `clusterIP`")
    if is_headless(spec) and spec.get("type") in NODE_PORT_TYPES:
        yield invalid(f"{path}.clusterIPs[0]", "None", f"may not be set to 'None' for {spec['type']} services")
    for index, address in enumerate(each(spec, "externalIPs")):
        yield from reachable(f"{path}.externalIPs[{index}]", address)


def _ports(spec: JSON, path: str) -> Iterable[FieldError]:
    ports = each(spec, "ports")
    if not ports and not is_headless(spec):
        yield required(f"{path}.ports")
    yield from _differ(ports, f"{path}.ports")
    for index, port in enumerate(ports):
        where = f"{path}.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            yield required(f"{where}.name")
        if port.get("nodePort") and spec.get("type") not in NODE_PORT_TYPES:
            yield forbidden(f"{where}.nodePort", "may not be used when `type` is 'ClusterIP'")


def _differ(ports: list[JSON], path: str) -> Iterable[FieldError]:
    """No name, no number of a protocol and no node port twice."""
    seen: set[tuple[object, ...]] = set()
    for index, port in enumerate(ports):
        protocol = port.get("protocol")
        keys = (
            ("name", f"{path}[{index}].name", port.get("name"), port.get("name")),
            (protocol, f"{path}[{index}]", port.get("port"), {"protocol": protocol, "port": port.get("port")}),
            (f"node {protocol}", f"{path}[{index}].nodePort", port.get("nodePort"), port.get("nodePort")),
        )
        for kind, where, value, said in keys:
            if value and (kind, value) in seen:
                yield duplicate(where, said)
            seen.add((kind, value))


def _port(port: JSON, path: str) -> Iterable[FieldError]:
    yield from port_or_name(f"{path}.targetPort", port.get("targetPort"))


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """The first cluster IP stays for as long as the Service has one."""
    if "ExternalName" in (new.get("type"), old.get("type")):
        return
    before, after = each(old, "clusterIPs"), each(new, "clusterIPs")
    if before and not after:
        yield invalid(f"{path}.clusterIPs[0]", after, "primary clusterIP can not be unset")
    elif before and before[0] != after[0]:
        yield invalid(f"{path}.clusterIPs[0]", after, "may not change once set")


RULES = (
    Rules(
        f"{_CORE}.ServiceSpec",
        defaults={"type": "ClusterIP", "sessionAffinity": "None"},
        enums={
            "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
            "sessionAffinity": ("ClientIP", "None"),
            "internalTrafficPolicy": ("Cluster", "Local"),
            "externalTrafficPolicy": ("Cluster", "Local"),
            "ipFamilyPolicy": ("PreferDualStack", "RequireDualStack", "SingleStack"),
        },
        default=_default,
        validate=_validate,
        validate_update=_update,
    ),
    Rules(
        f"{_CORE}.ServicePort",
        defaults={"protocol": "TCP", "targetPort": lambda port: port.get("port")},
        enums={"protocol": ("SCTP", "TCP", "UDP")},
        bounds={"port": (1, 65535), "nodePort": (0, 65535)},
        names={"name": dns1123_label},
        validate=_port,
    ),
)
