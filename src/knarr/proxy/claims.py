"""What one Service claims of the table: a pure function of the Service and its slices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError, collapse_addresses

from knarr.proxy.backends import Backend, Backends, choose
from knarr.proxy.ledger import Claims
from knarr.proxy.objects import EndpointSlice, Service, ServicePort
from knarr.proxy.ruleset import NODE, SERVICE, Network, Place, Things, marking, picking

_PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
_LONGEST_NAME = 80  # of a service port; nftables takes 128 bytes, prefix and endpoint included
_CLIENTS = 65535  # remembered per endpoint at most, by session affinity


@dataclass(frozen=True, slots=True)
class Frontend:
    """Where traffic for a service port arrives; no address means: at each of the node."""

    address: str
    protocol: str
    port: int

    @property
    def scope(self) -> str:
        return SERVICE if self.address else NODE

    @property
    def key(self) -> str:
        """Of the maps that are for all protocols."""
        return f"{self._prefix}{self.protocol} . {self.port}"

    def numbered(self, number: int) -> str:
        """The key of one endpoint in the map of the protocol."""
        return f"{self._prefix}{self.port} . {number}"

    @property
    def _prefix(self) -> str:
        return f"{self.address} . " if self.address else ""


def claims_of(service: Service, slices: Sequence[EndpointSlice], node: str, network: Network) -> Claims:
    """What the Service claims; nothing where it is not ours to proxy."""
    if not service.proxied:
        return {}
    claims: dict[str, Things] = {}
    for address in _ipv4(service.cluster_addresses):
        claims[f"cluster-ip {address}"] = {Place("cluster-ips", address): ""}
    for port in service.spec.ports:
        if port.protocol in _PROTOCOLS:
            claims |= _PortClaims(service, port, choose(port, slices, node), network).all()
    return claims


@dataclass(frozen=True, slots=True)
class _PortClaims:
    """The claims of one port of a Service."""

    service: Service
    port: ServicePort
    backends: Backends
    network: Network

    def all(self) -> Claims:
        claims: dict[str, Things] = {}
        for frontend in self._internal():
            within = self.service.spec.internal_traffic_policy == "Local"
            claims |= self._open(frontend, within=within) if self._targets(within) else self._close(frontend)
        for frontend in self._external():
            claims |= self._outside(frontend)
        for frontend in self._guarded():
            claims[f"guard {frontend.key}"] = dict(self._guard(frontend))
        return claims

    def _internal(self) -> Iterable[Frontend]:
        return self._frontends(self.service.cluster_addresses, self.port.port)

    def _external(self) -> Iterator[Frontend]:
        yield from self._frontends(self.service.spec.external_ips, self.port.port)
        yield from self._frontends(self.service.balancer_addresses, self.port.port)
        if self.port.node_port:
            yield Frontend("", _PROTOCOLS[self.port.protocol], self.port.node_port)

    def _guarded(self) -> Iterable[Frontend]:
        ranges = self.service.spec.load_balancer_source_ranges
        return self._frontends(self.service.balancer_addresses, self.port.port) if ranges else ()

    def _frontends(self, addresses: Iterable[str], port: int) -> Iterable[Frontend]:
        return (Frontend(address, _PROTOCOLS[self.port.protocol], port) for address in _ipv4(addresses))

    def _outside(self, frontend: Frontend) -> Claims:
        """Policy Cluster: to any endpoint, which sees the node as the client. Policy Local: from outside only to
        endpoints of this node, which see the client; Pods and the node itself reach all.
        """
        if not self.backends.everywhere:
            return self._close(frontend)
        if self.service.spec.external_traffic_policy != "Local":
            return self._open(frontend, masquerade=True)
        scope = f"{frontend.scope}-local"
        if self.backends.here:
            outside = self._open(frontend, scope, within=True)
        else:
            outside = {f"{scope} {frontend.key}": {Place(f"{scope}-ports", frontend.key): "drop"}}
        return {**self._open(frontend), **outside}

    def _targets(self, within: bool) -> tuple[Backend, ...]:
        return self.backends.here if within else self.backends.everywhere

    def _close(self, frontend: Frontend) -> Claims:
        """Without endpoints: refused; with endpoints elsewhere only, which the policy forbids: dropped."""
        verdict = "drop" if self.backends.everywhere else "goto turn-away"
        place = Place(f"closed-{frontend.scope}-ports", frontend.key)
        return {f"{frontend.scope} {frontend.key}": {place: verdict}}

    def _open(self, frontend: Frontend, scope: str = "", *, within: bool = False, masquerade: bool = False) -> Claims:
        scope = scope or frontend.scope
        way = "masquerade" if masquerade else "pick"
        backends = self._targets(within)
        claims: dict[str, Things] = {f"hairpin {b.address}": _hairpin(b.address) for b in backends}
        things: dict[Place, str] = dict(_flows(frontend, backends)) if scope == frontend.scope else {}
        if timeout := self.service.affinity_timeout:
            name = self._sticky_name(within)
            claims[f"sticky {name}"] = dict(_sticky(name, frontend.protocol, backends, timeout, self.network))
            things[Place(f"{scope}-ports", frontend.key)] = f"goto sticky-{way}/{name}"
        else:
            kind = frontend.protocol, len(backends)
            claims[f"pick {scope} {kind[0]} {kind[1]}"] = dict(picking(scope, *kind, self.network))
            things[Place(f"{scope}-ports", frontend.key)] = f"goto {scope}-{way}-{kind[0]}-{kind[1]}"
            for number, backend in enumerate(backends):
                place = Place(f"{scope}-endpoints-{frontend.protocol}", frontend.numbered(number))
                things[place] = f"{backend.address} . {backend.port}"
        return {**claims, f"{scope} {frontend.key}": things}

    def _sticky_name(self, within: bool) -> str:
        """By which the affinity of the service port is named: one for all its frontends that share their endpoints."""
        reach = "/local" if within else ""
        name = f"{self.service.metadata.key}/{_PROTOCOLS[self.port.protocol]}/{self.port.port}{reach}"
        return name if len(name) <= _LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()[:32]

    def _guard(self, frontend: Frontend) -> Iterator[tuple[Place, str]]:
        yield Place("guarded-ports", frontend.key), ""
        # The kernel takes no ranges that overlap.
        for source in collapse_addresses(_ipv4_ranges(self.service.spec.load_balancer_source_ranges)):
            yield Place("admitted-sources", f"{frontend.key} . {source}"), ""


def _ipv4(addresses: Iterable[str]) -> Iterator[str]:
    """Those of the family that is proxied."""
    for text in addresses:
        try:
            yield str(IPv4Address(text))
        except AddressValueError:
            continue


def _ipv4_ranges(ranges: Iterable[str]) -> Iterator[IPv4Network]:
    for text in ranges:
        try:
            yield IPv4Network(text.strip(), strict=False)
        except (AddressValueError, NetmaskValueError):
            continue


def _hairpin(address: str) -> Things:
    """A Pod that reaches itself through a Service must see another client than itself, or it would answer itself."""
    return {Place("hairpins", f"{address} . {address}"): ""}


def _flows(frontend: Frontend, backends: Iterable[Backend]) -> Iterator[tuple[Place, str]]:
    if frontend.protocol == "udp":
        for backend in backends:
            yield Place("flow", f"{frontend.address} {frontend.port} {backend.address} {backend.port}"), ""


def _sticky(
    name: str, protocol: str, backends: Iterable[Backend], timeout: int, network: Network
) -> Iterator[tuple[Place, str]]:
    """A set of clients per endpoint, and a chain that remembers the client; the set goes with its endpoint."""
    # The timeout is part of the name, as a set's own cannot be changed while a rule refers to it.
    targets = {f"sticky-to/{name}/{timeout}s/{b.address}/{b.port}": b for b in backends}
    known = [f"ip saddr @{target} goto {target}" for target in targets]
    random = ", ".join(f"{number} : goto {target}" for number, target in enumerate(targets))
    for target, backend in targets.items():
        yield Place("set", target), f"type ipv4_addr; flags dynamic, timeout; timeout {timeout}s; size {_CLIENTS};"
        to = f"meta l4proto {protocol} dnat ip to {backend.address}:{backend.port}"
        yield Place("chain", target), f"update @{target} {{ ip saddr }}\n{to}"
    pick = f"numgen random mod {len(targets)} vmap {{ {random} }}"
    yield Place("chain", f"sticky-pick/{name}"), "\n".join([*known, pick])
    yield Place("chain", f"sticky-masquerade/{name}"), f"{marking(network)}\ngoto sticky-pick/{name}"
