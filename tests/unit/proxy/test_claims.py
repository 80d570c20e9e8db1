"""What a Service claims of the table, as whole values."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.proxy.claims import claims_of
from knarr.proxy.objects import EndpointSlice, Service
from knarr.proxy.ruleset import Place, Things
from tests.unit.proxy.services import HERE, NETWORK, endpoint, piece, service

A, B = "10.244.0.1", "10.244.1.2"
MARK = "meta mark set meta mark or 0x4000"
CLUSTER_IP: dict[str, Things] = {"cluster-ip 10.96.0.20": {Place("cluster-ips", "10.96.0.20"): ""}}
BOTH = piece(endpoint(A), endpoint(B, "there"))


def claims(service: Service, *slices: EndpointSlice) -> dict[str, Things]:
    return dict(claims_of(service, slices, HERE, NETWORK))


def hairpins(*addresses: str) -> dict[str, Things]:
    return {f"hairpin {address}": {Place("hairpins", f"{address} . {address}"): ""} for address in addresses}


def pick(scope: str, key: str, count: int, protocol: str = "tcp") -> dict[str, Things]:
    name = f"{protocol}-{count}"
    pick_ = f"dnat ip to {key} . numgen random mod {count} map @{scope}-endpoints-{protocol}"
    return {
        f"pick {scope} {protocol} {count}": {
            Place("chain", f"{scope}-pick-{name}"): pick_,
            Place("chain", f"{scope}-masquerade-{name}"): f"{MARK}\ngoto {scope}-pick-{name}",
        }
    }


def on(scope: str, prefix: str, verdict: str, *addresses: str) -> dict[Place, str]:
    """The elements of a TCP frontend."""
    numbered = prefix.replace("tcp . ", "")
    return {Place(f"{scope}-ports", prefix): verdict} | {
        Place(f"{scope}-endpoints-tcp", f"{numbered} . {number}"): f"{address} . 8080"
        for number, address in enumerate(addresses)
    }


FRONTEND, NODE_FRONTEND = "10.96.0.20 . tcp . 80", "tcp . 30080"
INSIDE = {
    **CLUSTER_IP,
    **hairpins(A, B),
    **pick("service", "ip daddr . tcp dport", 2),
    f"service {FRONTEND}": on("service", FRONTEND, "goto service-pick-tcp-2", A, B),
}


@pytest.mark.parametrize(
    ("made", "slices", "wanted"),
    [
        pytest.param(service(clusterIP="None"), [BOTH], {}, id="headless"),
        pytest.param(service(type="ExternalName", clusterIP=""), [], {}, id="external name"),
        pytest.param(
            service(labels={"service.kubernetes.io/service-proxy-name": "other"}), [BOTH], {}, id="of another proxy"
        ),
        pytest.param(
            service(),
            [],
            {
                **CLUSTER_IP,
                f"service {FRONTEND}": {Place("closed-service-ports", FRONTEND): "goto turn-away"},
            },
            id="refused without endpoints",
        ),
        pytest.param(service(), [BOTH], INSIDE, id="cluster IP"),
        pytest.param(
            service(internalTrafficPolicy="Local"),
            [piece(endpoint(B, "there"))],
            {**CLUSTER_IP, f"service {FRONTEND}": {Place("closed-service-ports", FRONTEND): "drop"}},
            id="dropped with endpoints elsewhere",
        ),
        pytest.param(
            service(node_port=30080),
            [BOTH],
            {
                **INSIDE,
                **pick("node", "tcp dport", 2),
                f"node {NODE_FRONTEND}": on("node", NODE_FRONTEND, "goto node-masquerade-tcp-2", A, B),
            },
            id="node port",
        ),
        pytest.param(
            service(node_port=30080, externalTrafficPolicy="Local"),
            [BOTH],
            {
                **INSIDE,
                **pick("node", "tcp dport", 2),
                **pick("node-local", "tcp dport", 1),
                f"node {NODE_FRONTEND}": on("node", NODE_FRONTEND, "goto node-pick-tcp-2", A, B),
                f"node-local {NODE_FRONTEND}": on("node-local", NODE_FRONTEND, "goto node-local-pick-tcp-1", A),
            },
            id="node port for this node's endpoints",
        ),
        pytest.param(
            service(
                type="LoadBalancer",
                ingress="203.0.113.2",
                loadBalancerSourceRanges=["10.1.2.3/8", "10.7.0.0/16", "fd00::/8"],
            ),
            [BOTH],
            {
                **INSIDE,
                "service 203.0.113.2 . tcp . 80": on(
                    "service", "203.0.113.2 . tcp . 80", "goto service-masquerade-tcp-2", A, B
                ),
                "guard 203.0.113.2 . tcp . 80": {
                    Place("guarded-ports", "203.0.113.2 . tcp . 80"): "",
                    Place("admitted-sources", "203.0.113.2 . tcp . 80 . 10.0.0.0/8"): "",
                },
            },
            id="load balancer with source ranges",
        ),
        pytest.param(
            service(clusterIPs=["10.96.0.20", "fd00::20"], externalIPs=["fd00::21"]), [BOTH], INSIDE, id="IPv4 alone"
        ),
    ],
)
def test_claims(made: Service, slices: list[EndpointSlice], wanted: dict[str, Any]) -> None:
    assert claims(made, *slices) == wanted


def test_datagrams_are_flows() -> None:
    made = claims(service(protocol="UDP"), piece(endpoint(A), protocol="UDP"))
    assert made["service 10.96.0.20 . udp . 80"] == {
        Place("flow", f"10.96.0.20 80 {A} 8080"): "",
        Place("service-ports", "10.96.0.20 . udp . 80"): "goto service-pick-udp-1",
        Place("service-endpoints-udp", "10.96.0.20 . 80 . 0"): f"{A} . 8080",
    }


def test_affinity() -> None:
    made = claims(service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}}), BOTH)
    name = "default/web/tcp/80"
    a, b = f"sticky-to/{name}/60s/{A}/8080", f"sticky-to/{name}/60s/{B}/8080"
    clients = "type ipv4_addr; flags dynamic, timeout; timeout 60s; size 65535;"
    assert made == {
        **CLUSTER_IP,
        **hairpins(A, B),
        f"service {FRONTEND}": {Place("service-ports", FRONTEND): f"goto sticky-pick/{name}"},
        f"sticky {name}": {
            Place("set", a): clients,
            Place("chain", a): f"update @{a} {{ ip saddr }}\nmeta l4proto tcp dnat ip to {A}:8080",
            Place("set", b): clients,
            Place("chain", b): f"update @{b} {{ ip saddr }}\nmeta l4proto tcp dnat ip to {B}:8080",
            Place("chain", f"sticky-pick/{name}"): (
                f"ip saddr @{a} goto {a}\nip saddr @{b} goto {b}\n"
                f"numgen random mod 2 vmap {{ 0 : goto {a}, 1 : goto {b} }}"
            ),
            Place("chain", f"sticky-masquerade/{name}"): f"{MARK}\ngoto sticky-pick/{name}",
        },
    }


def test_long_names_are_cut_to_what_nftables_takes() -> None:
    long = service(sessionAffinity="ClientIP")
    long = Service(metadata=type(long.metadata)(name="n" * 63, namespace="s" * 63), spec=long.spec)
    made = claims(long, BOTH)
    assert max(len(place.name) for things in made.values() for place in things if place.kind == "chain") < 128
