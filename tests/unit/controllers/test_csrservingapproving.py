"""Which serving certificates kubelets get without anybody's hand: those for the addresses of their own node."""

from __future__ import annotations

import pytest

from knarr.api.signers import API_CLIENT, KUBELET_SERVING
from knarr.client.resources import NODES, SIGNING_REQUESTS
from knarr.controllers import csrservingapproving
from tests.signingrequests import Subject, named, request, spec
from tests.unit.controllers.bench import Bench

APPROVAL = SIGNING_REQUESTS.path("", "r", "approval")
KUBELET = named("system:node:n", "system:nodes")
USAGES = ("digital signature", "server auth")


def bench() -> Bench:
    return Bench(csrservingapproving.CONTROLLER, service_cluster_ip_range="10.96.0.0/16")


def node(on: Bench, name: str, *addresses: str) -> None:
    on.put(NODES, name, "", status={"addresses": [{"type": "InternalIP", "address": a} for a in addresses]})


def ask(
    on: Bench,
    *names: str,
    asker: str = "system:node:n",
    groups: tuple[str, ...] = ("system:nodes",),
    subject: Subject = KUBELET,
    signer: str = KUBELET_SERVING,
) -> None:
    asked = {**spec(request(subject, *names), signer, *USAGES), "username": asker, "groups": groups}
    on.put(SIGNING_REQUESTS, "r", "", spec=asked)


def approved(on: Bench) -> bool:
    assert {path for _, path, _ in on.actions} <= {APPROVAL}
    return bool(on.actions)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("n", "192.0.2.1"), id="all of them"),
        pytest.param(("n.example.com",), id="one of them"),
        pytest.param(("fd00::1",), id="an address of IPv6"),
        pytest.param(("N.EXAMPLE.COM",), id="in other letters"),
    ],
)
async def test_the_nodes_own_names(names: tuple[str, ...]) -> None:
    on = bench()
    node(on, "n", "n", "n.example.com", "192.0.2.1", "fd00::1")
    ask(on, *names)
    await on.run()
    ((_, _, body),) = on.actions
    (condition,) = body["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Approved", "AutoApproved")


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        pytest.param(["n"], ("n", "other"), id="one name that is not its own"),
        pytest.param(["n", "192.0.2.2"], ("n", "192.0.2.2"), id="an address that another node has too"),
        pytest.param(["kubernetes.default.svc"], ("kubernetes.default.svc",), id="the API server's name"),
        pytest.param(["kubernetes"], ("kubernetes",), id="the API server's short name"),
        pytest.param(["db.shop.svc.cluster.local"], ("db.shop.svc.cluster.local",), id="a Service's name"),
        pytest.param(["10.96.0.1"], ("10.96.0.1",), id="a Service's address"),
        pytest.param(["::ffff:10.96.0.1"], ("::ffff:10.96.0.1",), id="a Service's address in disguise"),
        pytest.param(["FD00:0::2"], ("fd00::2",), id="an address that another node writes in another way"),
        pytest.param(["*.example.com"], ("*.example.com",), id="names of many"),
        pytest.param(["127.0.0.1"], ("127.0.0.1",), id="everybody's own address"),
        pytest.param(["localhost"], ("localhost",), id="everybody's own name"),
    ],
)
async def test_names_that_are_not_the_nodes_alone(addresses: list[str], names: tuple[str, ...]) -> None:
    on = bench()
    node(on, "n", *addresses)
    node(on, "other", "192.0.2.2", "fd00::2")
    ask(on, *names)
    await on.run()
    assert not approved(on)


async def test_who_asks_for_another_node() -> None:
    on = bench()
    node(on, "n", "n")
    ask(on, "n", asker="system:node:other")
    await on.run()
    assert not approved(on)


@pytest.mark.parametrize(
    ("asker", "groups", "signer"),
    [
        pytest.param("jane", ("system:nodes",), KUBELET_SERVING, id="no kubelet"),
        pytest.param("n", ("system:nodes",), KUBELET_SERVING, id="a user called as the node"),
        pytest.param("system:node:n", (), KUBELET_SERVING, id="a kubelet that is not one of the nodes"),
        pytest.param("system:node:n", ("system:nodes",), API_CLIENT, id="another signer"),
    ],
)
async def test_who_is_not_approved(asker: str, groups: tuple[str, ...], signer: str) -> None:
    on = bench()
    node(on, "n", "n")
    ask(on, "n", asker=asker, groups=groups, subject=named(asker, "system:nodes"), signer=signer)
    await on.run()
    assert not approved(on)


async def test_a_node_that_says_its_address_later_is_approved_then() -> None:
    on = bench()
    ask(on, "n")
    async with on.running():
        assert not approved(on)
        node(on, "n", "192.0.2.1")
        await on.settle()
        assert not approved(on)
        node(on, "n", "192.0.2.1", "n")
        await on.settle()
        assert approved(on)
