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


def _prepare_create(service: JSON) -> None:
    """A new Service has no status; its one cluster IP is also the first of the list."""
    service["status"] = {"loadBalancer": {}}
    _pair_cluster_ips(service["spec"])


def _prepare_update(new: JSON, old: JSON) -> None:
    """What was allocated stays when the client does not say: addresses, and the node ports of the same ports."""
    after, before = new["spec"], old["spec"]
    if _needs_address(before) and _needs_address(after):
        for field in ("clusterIP", "clusterIPs"):
            if not after.get(field) and not after.get("clusterIPs") and before.get(field):
                after[field] = before[field]
    _pair_cluster_ips(after)
    if _needs_node_ports(before) and _needs_node_ports(after):
        _keep_node_ports(each(after, "ports"), each(before, "ports"))


def _pair_cluster_ips(spec: JSON) -> None:
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    if spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]


def _needs_address(spec: JSON) -> bool:
    return spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"


def _needs_node_ports(spec: JSON) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _keep_node_ports(after: list[JSON], before: list[JSON]) -> None:
    had = {(port.get("protocol"), port.get("port")): port.get("nodePort") for port in before}
    taken = {port.get("nodePort") for port in after}
    for port in after:
        kept = had.get((port.get("protocol"), port.get("port")))
        if kept and not port.get("nodePort") and kept not in taken:
            port["nodePort"] = kept


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
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    effects=("cluster_ips", "node_ports"),
)
