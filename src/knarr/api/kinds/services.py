"""Services: a name and an address for a set of Pods."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, balancer_addresses, labels, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.api.services import is_external, is_headless
from knarr.machinery.names import dns1035_label


def _cluster_ip(service: JSON, now: datetime) -> str:
    return str(next(iter(each(service, "spec.clusterIPs")), dig(service, "spec.clusterIP") or NONE))


def _external_ip(service: JSON, now: datetime) -> str:
    external = each(service, "spec.externalIPs")
    match dig(service, "spec.type"):
        case "ExternalName":
            return str(dig(service, "spec.externalName", ""))
        case "LoadBalancer":
            return ",".join(filter(None, [balancer_addresses(service), *external])) or "<pending>"
    return ",".join(external) or NONE


def _ports(service: JSON, now: datetime) -> str:
    return ",".join(_port(port) for port in each(service, "spec.ports")) or NONE


def _port(port: JSON) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node_port}/{port.get('protocol')}"


def _prepare_create(service: JSON) -> None:
    """No load balancer has it yet; clients count on the field."""
    service["status"] = {"loadBalancer": {}}


def _prepare_update(new: JSON, old: JSON) -> None:
    """A change of type takes along what only the old type had, unless the client changed that as well."""
    for accepts, fields in _TYPE_DEPENDENT:
        if accepts(old["spec"]) and not accepts(new["spec"]):
            for field in fields:
                if new["spec"].get(field) == old["spec"].get(field):
                    new["spec"].pop(field, None)


def _has_address(spec: JSON) -> bool:
    return spec.get("type") != "ExternalName"


def _is_balanced(spec: JSON) -> bool:
    return spec.get("type") == "LoadBalancer"


_TYPE_DEPENDENT = (
    (_has_address, ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")),
    (is_external, ("externalTrafficPolicy",)),
    (_is_balanced, ("allocateLoadBalancerNodePorts", "loadBalancerClass")),
)


_HINTS = "service.kubernetes.io/topology-aware-hints"


def _warnings(new: JSON, old: JSON | None) -> Iterable[str]:
    if _HINTS in dig(new, "metadata.annotations", {}) and _HINTS not in dig(old, "metadata.annotations", {}):
        yield f"annotation {_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
    spec = new["spec"]
    if old is not None and old["spec"] == spec:
        return
    if each(spec, "externalIPs") and each(spec, "externalIPs") != each(old, "spec.externalIPs"):
        yield "spec.externalIPs is deprecated"
    if is_headless(spec) and spec.get("sessionAffinity", "None") != "None":
        yield "spec.SessionAffinity is ignored for headless services"
    if spec.get("type") == "ExternalName" and each(spec, "externalIPs"):
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if spec.get("type") != "ExternalName" and spec.get("externalName"):
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'


KIND = Kind(
    kind="Service",
    plural="services",
    versions=(Version("v1", "io.k8s.api.core.v1.Service"),),
    short_names=("svc",),
    categories=("all",),
    storage_prefix="/registry/services/specs",
    subresources=("proxy", "status"),
    name_rule=dns1035_label,
    columns=(
        NAME,
        Column("Type", text("spec.type", "")),
        Column("Cluster-IP", _cluster_ip, shows="spec.clusterIP"),
        Column("External-IP", _external_ip, shows="spec.externalIPs"),
        Column("Port(s)", _ports, shows="spec.ports"),
        AGE,
        Column("Selector", labels("spec.selector"), priority=1),
    ),
    fields={
        "spec.clusterIP": lambda service: dig(service, "spec.clusterIP", ""),
        "spec.type": lambda service: dig(service, "spec.type", ""),
    },
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    warnings=_warnings,
    effects=("cluster_ips", "node_ports"),
)
