"""Services: a name and an address for a set of Pods."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, balancer_addresses, labels, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
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
        Column("Cluster-IP", _cluster_ip),
        Column("External-IP", _external_ip),
        Column("Port(s)", _ports),
        AGE,
        Column("Selector", labels("spec.selector"), priority=1),
    ),
    fields={
        "spec.clusterIP": lambda service: dig(service, "spec.clusterIP", ""),
        "spec.type": lambda service: dig(service, "spec.type", ""),
    },
    effects=("cluster_ips", "node_ports"),
)
