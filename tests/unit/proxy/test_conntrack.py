"""Which UDP flows are stale."""

from __future__ import annotations

import pytest

from knarr.proxy.conntrack import Flow, Flows
from knarr.proxy.ruleset import Change, Place, Things

A, B = Flow("10.96.0.10", "53", "10.244.0.1", "5353"), Flow("10.96.0.10", "53", "10.244.0.2", "5353")
NODE_A = Flow("", "30053", "10.244.0.1", "5353")


def things(*flows: Flow) -> Things:
    return {Place("flow", " ".join(flow)): "" for flow in flows}


def line(flow: Flow) -> str:
    """As conntrack 1.4 lists it."""
    return (
        f"udp      17 29 src=10.244.0.9 dst={flow.address} sport=4000 dport={flow.port} [UNREPLIED] "
        f"src={flow.endpoint} dst=10.244.0.9 sport={flow.endpoint_port} dport=4000 mark=0 use=1\n"
    )


THROUGH = Flow("10.96.0.10", "53", "10.96.0.10", "53")
AT_NODE = Flow("192.0.2.1", "30053", "10.244.0.1", "5353")


@pytest.mark.parametrize(
    ("changes", "listed", "stale"),
    [
        pytest.param([Change({}, things(A))], [A], set(), id="to an endpoint"),
        pytest.param([Change({}, things(A)), Change(things(A), things(B))], [A, B], {A}, id="to one that has gone"),
        pytest.param([Change({}, things(A, B)), Change(things(A, B), {})], [A, B], {A, B}, id="of a deleted Service"),
        pytest.param([Change({}, things(A))], [THROUGH], {THROUGH}, id="begun before the Service was"),
        pytest.param([Change({}, things(NODE_A))], [AT_NODE], set(), id="to a node port"),
        pytest.param([Change({}, things(NODE_A)), Change(things(NODE_A), {})], [AT_NODE], {AT_NODE}, id="no more"),
        pytest.param([Change({}, things(A))], [Flow("8.8.8.8", "53", "8.8.8.8", "53")], set(), id="of others"),
    ],
)
def test_stale(changes: list[Change], listed: list[Flow], stale: set[Flow]) -> None:
    flows = Flows()
    for change in changes:
        flows.follow(change)
    assert flows.stale("".join(map(line, listed))) == stale
