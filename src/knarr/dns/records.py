"""Names of the cluster to records: the Kubernetes DNS specification 1.1.0, as a pure function of what is cached.

    <service>.<ns>.svc.<zone>                       A: the cluster IP, or all ready endpoints of a headless Service
    _<port>._<protocol>.<service>.<ns>.svc.<zone>   SRV
    <endpoint>.<service>.<ns>.svc.<zone>            A: one endpoint of a headless Service
    <a-b-c-d>.<ns>.pod.<zone>                       A: the address itself
    dns-version.<zone>                              TXT
    <d.c.b.a>.in-addr.arpa                          PTR: the Service or the endpoint with a hostname
https://github.com/kubernetes/dns/blob/master/docs/specification.md
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from knarr.dns.objects import Endpoint, EndpointSlice, Service

VERSION = "1.1.0"
SRV_PRIORITY, SRV_WEIGHT = 0, 100


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record, its data in presentation form."""

    name: str  # absolute, in lower case, without the last dot
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a name: the records of the type asked for, and others that help (the addresses of SRV targets).

    `exists` without answers is NODATA; without `exists` it is NXDOMAIN. An `alias` is to be looked up further.
    """

    exists: bool
    answers: Sequence[Record] = ()
    additional: Sequence[Record] = ()
    alias: str = ""


NOTHING = Found(exists=False)
NO_DATA = Found(exists=True)


class Cluster(Protocol):
    """The caches that names are looked up in."""

    def service(self, namespace: str, name: str) -> Service | None: ...

    def slices(self, service: Service) -> Iterable[EndpointSlice]: ...

    def services_at(self, address: str) -> Iterable[Service]: ...

    def slices_at(self, address: str) -> Iterable[EndpointSlice]: ...

    def has_namespace(self, namespace: str) -> bool: ...


def look_up(cluster: Cluster, zone: str, name: str, kind: str) -> Found:
    """Records of `name` (in lower case, without the last dot), which lies in the zone."""
    labels = name.removesuffix(zone).rstrip(".").split(".") if name != zone else []
    match labels:
        case [] | ["svc"] | ["pod"]:
            return NO_DATA
        case ["dns-version"]:
            return _of_kind([Record(name, "TXT", f'"{VERSION}"')], kind)
        case [namespace, "svc" | "pod"]:
            return NO_DATA if cluster.has_namespace(namespace) else NOTHING
        case [dashed, namespace, "pod"]:
            return _pod(cluster, name, dashed, namespace, kind)
        case [service, namespace, "svc"]:
            return _service(cluster, zone, name, cluster.service(namespace, service), kind)
        case [first, second, service, namespace, "svc"] if first.startswith("_") and second.startswith("_"):
            return _port(cluster, zone, name, first[1:], second[1:], cluster.service(namespace, service), kind)
        case [endpoint, service, namespace, "svc"]:
            return _endpoint(cluster, name, endpoint, cluster.service(namespace, service), kind)
    return NOTHING


def reverse(cluster: Cluster, zone: str, name: str, kind: str) -> Found | None:
    """The name of an address of the cluster's; None where the address is not the cluster's."""
    address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
    names = [_name(service, zone) for service in cluster.services_at(address)]
    for piece in cluster.slices_at(address):
        namespace, _, service = piece.service.partition("/")
        names += [
            f"{endpoint.hostname}.{service}.{namespace}.svc.{zone}"
            for endpoint in piece.endpoints
            if endpoint.hostname and address in endpoint.addresses
        ]
    return _of_kind([Record(name, "PTR", f"{found}.") for found in names], kind) if names else None


def _name(service: Service, zone: str) -> str:
    return f"{service.metadata.name}.{service.metadata.namespace}.svc.{zone}"


def _of_kind(records: Sequence[Record], kind: str) -> Found:
    return Found(exists=True, answers=[record for record in records if kind in (record.type, "ANY")])


def _addresses(name: str, addresses: Iterable[str]) -> list[Record]:
    return [Record(name, "AAAA" if ":" in address else "A", address) for address in addresses]


def _published(cluster: Cluster, service: Service) -> list[tuple[EndpointSlice, Endpoint]]:
    """A Service's endpoints that may be named: the ready ones, or all where it publishes them early."""
    early = service.spec.publish_not_ready_addresses
    return [
        (piece, endpoint)
        for piece in cluster.slices(service)
        for endpoint in piece.endpoints
        if endpoint.addresses and (early or endpoint.ready)
    ]


def _pod(cluster: Cluster, name: str, dashed: str, namespace: str, kind: str) -> Found:
    try:
        address = str(ipaddress.IPv4Address(dashed.replace("-", ".")))
    except ValueError:
        return NOTHING
    return _of_kind(_addresses(name, [address]), kind) if cluster.has_namespace(namespace) else NOTHING


def _service(cluster: Cluster, zone: str, name: str, service: Service | None, kind: str) -> Found:
    if service is None:
        return NOTHING
    if service.spec.type == "ExternalName":
        return _external(name, service)
    if kind == "SRV":
        records = [record for port in _ports(cluster, service) for record in _srv(cluster, zone, name, service, port)]
        return Found(exists=True, answers=records, additional=_targets(cluster, zone, service))
    if service.headless:
        published = {address for _, endpoint in _published(cluster, service) for address in endpoint.addresses}
        return _of_kind(_addresses(name, sorted(published)), kind) if published else NOTHING
    return _of_kind(_addresses(name, service.addresses), kind)


def _external(name: str, service: Service) -> Found:
    """A Service that stands for a name elsewhere; an address in its place is an address."""
    target = service.spec.external_name.rstrip(".")
    try:
        ipaddress.ip_address(target)
    except ValueError:
        return Found(exists=True, answers=[Record(name, "CNAME", f"{target}.")], alias=target)
    return Found(exists=True, answers=_addresses(name, [target]))


def _endpoint(cluster: Cluster, name: str, label: str, service: Service | None, kind: str) -> Found:
    if service is None or not service.headless:
        return NOTHING
    found = {a for _, endpoint in _published(cluster, service) if endpoint.label == label for a in endpoint.addresses}
    return _of_kind(_addresses(name, sorted(found)), kind) if found else NOTHING


def _ports(cluster: Cluster, service: Service) -> list[tuple[str, str]]:
    return list(dict.fromkeys((port.name, port.protocol.lower()) for port in service.spec.ports))


def _port(
    cluster: Cluster, zone: str, name: str, port: str, protocol: str, service: Service | None, kind: str
) -> Found:
    if service is None:
        return NOTHING
    records = _srv(cluster, zone, name, service, (port, protocol))
    if not records:
        return NOTHING
    additional = _targets(cluster, zone, service)
    return Found(exists=True, answers=records, additional=additional) if kind in ("SRV", "ANY") else NO_DATA


def _srv(cluster: Cluster, zone: str, name: str, service: Service, wanted: tuple[str, str]) -> list[Record]:
    """The SRV records of one named port: one for the Service, or one for each endpoint of a headless one."""
    base = _name(service, zone)
    if service.headless:
        targets = {
            (port.port or 0, f"{endpoint.label}.{base}")
            for piece, endpoint in _published(cluster, service)
            for port in piece.ports
            if (port.name or "", port.protocol.lower()) == wanted
        }
    else:
        targets = {(port.port, base) for port in service.spec.ports if (port.name, port.protocol.lower()) == wanted}
    return [Record(name, "SRV", f"{SRV_PRIORITY} {SRV_WEIGHT} {port} {target}.") for port, target in sorted(targets)]


def _targets(cluster: Cluster, zone: str, service: Service) -> list[Record]:
    """The addresses of the names that the Service's SRV records point to."""
    base = _name(service, zone)
    if not service.headless:
        return _addresses(base, service.addresses)
    return [
        record
        for _, endpoint in _published(cluster, service)
        for record in _addresses(f"{endpoint.label}.{base}", endpoint.addresses)
    ]
