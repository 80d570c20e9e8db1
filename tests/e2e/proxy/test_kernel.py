"""The table in the kernel, changed step by step, against the same written at once."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest

from knarr.proxy.claims import claims_of
from knarr.proxy.kernel import Table
from knarr.proxy.ledger import Ledger
from knarr.proxy.nftables import Nftables, NftablesError
from knarr.proxy.objects import EndpointSlice, Service
from knarr.proxy.ruleset import deletion, frame, whole
from tests.e2e.proxy.lab import Namespace
from tests.unit.proxy.services import HERE, NETWORK, endpoint, piece, service

STEPS = 150


@pytest.fixture
def inside() -> Iterator[None]:
    with closing(Namespace()) as namespace, namespace.entered():
        yield


@pytest.fixture
async def nftables(inside: None) -> AsyncIterator[Nftables]:
    with closing(Nftables()) as nftables:
        yield nftables


def some_service(draw: random.Random, number: int) -> tuple[Service, EndpointSlice]:
    """One of all that users may want, contested external IPs among it."""
    protocol = draw.choice(["TCP", "UDP", "SCTP"])
    made = service(
        name=f"web{number}",
        protocol=protocol,
        node_port=draw.choice([0, 30000 + number]),
        ingress=draw.choice(["", f"203.0.113.{number}"]),
        type="LoadBalancer",
        clusterIP=f"10.96.0.{number}",
        externalIPs=draw.sample(["198.51.100.1", "198.51.100.2"], draw.randint(0, 2)),
        sessionAffinity=draw.choice(["None", "None", "ClientIP"]),
        sessionAffinityConfig={"clientIP": {"timeoutSeconds": draw.choice([60, 10800])}},
        externalTrafficPolicy=draw.choice(["Cluster", "Local"]),
        internalTrafficPolicy=draw.choice(["Cluster", "Local"]),
        loadBalancerSourceRanges=draw.sample(
            ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "0.0.0.0/0"], draw.randint(0, 2)
        ),
    )
    addresses = draw.sample(range(2, 12), draw.randint(0, 4))
    endpoints = [endpoint(f"10.244.0.{address}", draw.choice([HERE, "there"])) for address in addresses]
    return made, piece(*endpoints, protocol=protocol)


async def contents(nftables: Nftables) -> list[str]:
    """All of the table, in an order of its own."""
    listed: list[dict[str, dict[str, Any]]] = json.loads(await nftables.run("list ruleset"))["nftables"]
    for thing in listed:
        for described in thing.values():
            described.pop("handle", None)
            if "elem" in described:
                described["elem"] = sorted(map(json.dumps, described["elem"]))
    return sorted(map(json.dumps, listed))


@pytest.mark.parametrize("seed", range(4))
async def test_changes_add_up_to_what_is_wanted(
    inside: None, nftables: Nftables, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    draw, ledger, table = random.Random(seed), Ledger(), Table(nftables, "stepwise", NETWORK)
    assert await table.apply(ledger)
    for _ in range(STEPS):
        number = draw.randint(1, 12)
        made, slice_ = some_service(draw, number)
        ledger.state(f"default/web{number}", claims_of(made, [slice_], HERE, NETWORK) if draw.random() < 0.7 else {})
        if draw.random() < 0.8:
            assert await table.apply(ledger)
    assert await table.apply(ledger)
    assert caplog.messages == []  # no change had to be mended by writing all anew
    with closing(Nftables(json=True)) as reader:
        stepwise = await contents(reader)
        await nftables.run(deletion("stepwise") + whole("stepwise", NETWORK, ledger.everything()))
        assert stepwise == await contents(reader)


async def test_a_refused_transaction_changes_nothing_and_says_why(nftables: Nftables) -> None:
    await nftables.run(frame("t", NETWORK))
    with pytest.raises(NftablesError, match="No such file or directory"):
        await nftables.run(
            "add element inet t cluster-ips { 10.96.0.1 }\nadd element inet t nowhere { 10.96.0.1 : drop }\n"
        )
    assert "10.96.0.1" not in await nftables.run("list set inet t cluster-ips")
