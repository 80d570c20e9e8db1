"""The table in nftables' language: what is always there, and the text that takes it from one state to the next.

Everything that differs from service to service is an element of a map. That is what makes the cost of a packet, and of
a change, independent of the number of services: one look-up finds the service and with it how many endpoints it has,
a second one, by a random number below that, finds the endpoint. A chain per service, as upstream has it, would be as
cheap for packets, but nft reads the names of all chains before it changes one thing (benchmarks/proxy.py). Chains
exist per number of endpoints, and for services with session affinity, which need sets of their own.

Names come in four scopes: `service` for traffic to an address and port of a Service, `node` for node ports, each
also with `-local` for traffic from outside to Services whose externalTrafficPolicy is Local. IPv4 alone is proxied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

SERVICE, NODE = "service", "node"
PROTOCOLS = "tcp", "udp", "sctp"
_FRONTENDS = {SERVICE: "ipv4_addr . inet_proto . inet_service", NODE: "inet_proto . inet_service"}
_MATCHES = {SERVICE: "ip daddr . meta l4proto . th dport", NODE: "meta l4proto . th dport"}
# The key of a frontend's endpoints in the map of its protocol; maps of `th dport` cannot be read back by nft 1.0.6.
_NUMBERED = {
    SERVICE: "ip daddr . {0} dport . numgen random mod {1}",
    NODE: "{0} dport . numgen random mod {1}",
}


class Place(NamedTuple):
    """Where a thing is in the table: `Place("chain", its name)`, `Place("set", its name)`, or the name of a map or
    set that is always there, and the key of an element in it. `Place("flow", ...)` is no part of the table: it names
    datagrams that may be on their way (conntrack.py).
    """

    kind: str
    name: str


Things = Mapping[Place, str]
"""Rules of a chain (one per line), definition of a set, data of a map's element, nothing for a set's element."""

_OUTSIDE_TABLE = "flow"


@dataclass(frozen=True, slots=True)
class Change:
    """Things to remove and to put; a place in both gets a new value."""

    removed: Things
    put: Things


@dataclass(frozen=True, slots=True)
class Network:
    """What the rules that are always there depend on; CIDRs of all Pods and Services of the cluster."""

    pod_cidr: str
    service_cidr: str
    mark: int = 0x4000  # upstream's bit of the packet mark for what is to be masqueraded


def frame(table: str, network: Network) -> str:
    """The table without any service."""
    return f"table inet {table} {{\n{''.join(_collections())}{_CHAINS.format(**_words(network))}}}\n"


def whole(table: str, network: Network, things: Things) -> str:
    """The transaction that makes the table hold just this, whatever it held before."""
    return deletion(table) + frame(table, network) + transaction(table, Change({}, things))


def deletion(table: str) -> str:
    """The transaction after which there is no table, whether there was one or not."""
    return f"table inet {table} {{}}\ndelete table inet {table}\n"


def transaction(table: str, change: Change) -> str:
    """The commands for a change, in the order that references among chains, sets and elements ask for; may be empty."""
    removed, put = _by_kind(change.removed), _by_kind(change.put)
    chains, sets = removed.pop("chain", {}), removed.pop("set", {})
    new_chains, new_sets = put.pop("chain", {}), put.pop("set", {})
    lines = [
        *(f"flush chain inet {table} {name}" for name in chains),
        *(_elements("delete", table, kind, dict.fromkeys(elements, "")) for kind, elements in removed.items()),
        *(f"delete chain inet {table} {name}" for name in chains if name not in new_chains),
        *(f"delete set inet {table} {name}" for name in sets),
        *(f"add set inet {table} {name} {{ {definition} }}" for name, definition in new_sets.items()),
        *(f"add chain inet {table} {name}" for name in new_chains),
        *(f"add rule inet {table} {name} {r}" for name, rules in new_chains.items() for r in rules.splitlines()),
        *(_elements("add", table, kind, elements) for kind, elements in put.items()),
    ]
    return "".join(f"{line}\n" for line in lines)


def _by_kind(things: Things) -> dict[str, dict[str, str]]:
    sorted_out: dict[str, dict[str, str]] = {}
    for (kind, name), value in things.items():
        if kind != _OUTSIDE_TABLE:
            sorted_out.setdefault(kind, {})[name] = value
    return sorted_out


def _elements(verb: str, table: str, kind: str, elements: Mapping[str, str]) -> str:
    listed = ", ".join(f"{key} : {data}" if data else key for key, data in elements.items())
    return f"{verb} element inet {table} {kind} {{ {listed} }}"


def _collections() -> Iterator[str]:
    for scope, key in _FRONTENDS.items():
        for reach in (scope, f"{scope}-local"):
            yield f"map {reach}-ports {{ type {key} : verdict; }}\n"
            for protocol in PROTOCOLS:
                types = f"typeof {_NUMBERED[scope].format(protocol, 1)} : ip daddr . {protocol} dport"
                yield f"map {reach}-endpoints-{protocol} {{ {types}; }}\n"
        yield f"map closed-{scope}-ports {{ type {key} : verdict; }}\n"
    yield "set cluster-ips { type ipv4_addr; }\n"
    yield "set hairpins { type ipv4_addr . ipv4_addr; }\n"
    yield f"set guarded-ports {{ type {_FRONTENDS[SERVICE]}; }}\n"
    yield f"set admitted-sources {{ type {_FRONTENDS[SERVICE]} . ipv4_addr; flags interval; }}\n"


def _words(network: Network) -> dict[str, str]:
    return {
        "pods": network.pod_cidr,
        "services": network.service_cidr,
        "mark": f"{network.mark:#x}",
        "frontend": _MATCHES[SERVICE],
        "node_port": _MATCHES[NODE],
    }


def picking(scope: str, protocol: str, count: int, network: Network) -> Iterable[tuple[Place, str]]:
    """The chains that pick one of so many endpoints."""
    number = _NUMBERED[scope.removesuffix("-local")].format(protocol, count)
    pick = f"dnat ip to {number} map @{scope}-endpoints-{protocol}"
    return (
        (Place("chain", f"{scope}-pick-{protocol}-{count}"), pick),
        (
            Place("chain", f"{scope}-masquerade-{protocol}-{count}"),
            f"{marking(network)}\ngoto {scope}-pick-{protocol}-{count}",
        ),
    )


def marking(network: Network) -> str:
    """The rule that has a packet masqueraded when it leaves."""
    return f"meta mark set meta mark or {network.mark:#x}"


# A closed port is refused in the filter hooks, as no address translation took its packets away; drop before
# translation serves loadBalancerSourceRanges. Loopback cannot reach node ports: the kernel routes it nowhere else
# unless route_localnet is on, which opens the node's own services to its neighbours (CVE-2020-8558).
_CHAINS = """\
chain turn-away {{
  reject
}}
chain translate {{
  meta l4proto != {{ tcp, udp, sctp }} return
  ip saddr != {pods} ip daddr @cluster-ips meta mark set meta mark or {mark}
  ip saddr != {pods} fib saddr type != local {frontend} vmap @service-local-ports
  {frontend} vmap @service-ports
  ip daddr != 127.0.0.0/8 fib daddr type local jump translate-node
}}
chain translate-node {{
  ip saddr != {pods} fib saddr type != local {node_port} vmap @node-local-ports
  {node_port} vmap @node-ports
}}
chain refuse {{
  meta l4proto {{ tcp, udp, sctp }} {frontend} vmap @closed-service-ports
  ip daddr @cluster-ips goto turn-away
  ip daddr {services} drop
}}
chain guard {{
  {frontend} @guarded-ports {frontend} . ip saddr != @admitted-sources drop
}}
chain nat-prerouting {{
  type nat hook prerouting priority dstnat; policy accept;
  jump translate
}}
chain nat-output {{
  type nat hook output priority -100; policy accept;
  jump translate
}}
chain nat-postrouting {{
  type nat hook postrouting priority srcnat; policy accept;
  ct status dnat ip saddr . ip daddr @hairpins masquerade
  meta mark and {mark} == {mark} meta mark set meta mark xor {mark} masquerade fully-random
  ip saddr {pods} ip daddr != {{ {pods}, 224.0.0.0/4 }} masquerade fully-random
}}
chain guard-prerouting {{
  type filter hook prerouting priority dstnat - 10; policy accept;
  ct state new meta l4proto {{ tcp, udp, sctp }} jump guard
}}
chain guard-output {{
  type filter hook output priority -110; policy accept;
  ct state new meta l4proto {{ tcp, udp, sctp }} jump guard
}}
chain filter-input {{
  type filter hook input priority filter; policy accept;
  ct state new jump refuse
  ct state new ip daddr != 127.0.0.0/8 meta l4proto {{ tcp, udp, sctp }} {node_port} vmap @closed-node-ports
}}
chain filter-forward {{
  type filter hook forward priority filter; policy accept;
  ct state new jump refuse
}}
chain filter-output {{
  type filter hook output priority filter; policy accept;
  ct state new jump refuse
  ct state new ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto {{ tcp, udp, sctp }} \
{node_port} vmap @closed-node-ports
}}
"""
