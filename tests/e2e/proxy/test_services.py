"""Connections through the proxy's rules, in a kernel of flesh and blood; only the API server is played."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from knarr.client.client import Client
from knarr.machinery.clock import Clock, RealClock, VirtualClock
from knarr.proxy.component import Options, run, teardown
from tests.e2e.proxy.lab import GATEWAY, NODE, OUTSIDE, POD_CIDR, SERVICE_CIDR, Lab, Namespace, Pod, Talker, ask
from tests.unit.fake_api import JSON, FakeAPI

VIP, PORT, NODE_PORT = "10.96.0.20", 80, 30080
OPTIONS = Options(node="here", pod_cidr=POD_CIDR, service_cidr=SERVICE_CIDR, table="knarr-test")
SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


@dataclass
class Site:
    """A lab with a proxy on its node."""

    lab: Lab
    api: FakeAPI = field(default_factory=FakeAPI)
    clock: Clock = field(default_factory=RealClock)

    def service(self, name: str = "web", *, status: JSON | None = None, protocol: str = "TCP", **spec: Any) -> None:
        port = {"port": PORT, "protocol": protocol, "nodePort": spec.pop("nodePort", 0)}
        spec = {"clusterIP": VIP, "ports": [port], **spec}
        self.api.put(f"{SERVICES}/{name}", {"spec": spec, "status": status or {}})

    def endpoints(self, *pods: Pod, service: str = "web", protocol: str = "TCP", **more: Any) -> None:
        """The service's slice holds these; `more` is of each endpoint."""
        endpoints = [{"addresses": [pod.address], "nodeName": "here", **more} for pod in pods]
        slice_ = {
            "metadata": {"labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "", "port": 8080, "protocol": protocol}],
        }
        self.api.put(f"{SLICES}/{service}-1", slice_)

    @asynccontextmanager
    async def proxying(self) -> AsyncIterator[None]:
        """The proxy runs meanwhile, in the node's namespace."""
        with self.lab.node.entered():
            proxy = asyncio.create_task(run(Client(self.api), self.clock, OPTIONS))
            try:
                yield
            finally:
                proxy.cancel()
                await asyncio.gather(proxy, return_exceptions=True)

    def nft(self, command: str) -> str:
        with self.lab.node.entered():
            done = subprocess.run(["nft", *command.split()], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout


@pytest.fixture
def lab() -> Iterator[Lab]:
    with closing(Lab()) as lab:
        yield lab


@pytest.fixture
async def site(lab: Lab) -> AsyncIterator[Site]:
    site = Site(lab)
    async with site.proxying():
        yield site


async def answer(origin: Namespace, address: str = VIP, port: int = PORT, patience: float = 2.0) -> str:
    return await asyncio.to_thread(ask, origin, address, port, patience)


def get(origin: Namespace, address: str, port: int) -> tuple[int, Any]:
    """Status and JSON of an HTTP GET; status 0 where nobody listens."""
    with origin.entered():
        connection = socket.socket()
    with connection:
        connection.settimeout(2)
        try:
            connection.connect((address, port))
        except ConnectionRefusedError:
            return 0, None
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


async def until(wanted: str | Callable[[str], bool], origin: Namespace, address: str = VIP, port: int = PORT) -> str:
    """Ask until the answer is the wanted one."""
    async with asyncio.timeout(5):
        while True:
            got = await answer(origin, address, port, 0.2)
            if got == wanted or (callable(wanted) and wanted(got)):
                return got
            await asyncio.sleep(0.01)


def served(got: str) -> bool:
    return got not in ("refused", "silent")


async def tally(origin: Namespace, count: int, address: str = VIP, port: int = PORT) -> Counter[str]:
    return Counter([(await answer(origin, address, port)).split()[0] for _ in range(count)])


async def test_connections_are_spread_over_the_endpoints_and_pods_see_their_client(site: Site) -> None:
    pods = [site.lab.pod(name) for name in ("a", "b", "c")]
    client = site.lab.pod("client")
    site.service()
    site.endpoints(*pods)
    got = await until(served, client.namespace)
    assert got.split()[1] == client.address
    counts = await tally(client.namespace, 90)
    assert counts.keys() == {"a", "b", "c"}
    assert min(counts.values()) > 12


async def test_the_node_reaches_services(site: Site) -> None:
    site.service()
    site.endpoints(site.lab.pod("a"))
    assert await until(served, site.lab.node) == f"a {GATEWAY}"


async def test_a_pod_reaches_itself_through_its_service(site: Site) -> None:
    pod = site.lab.pod("a")
    site.service()
    site.endpoints(pod)
    assert await until(served, pod.namespace) == f"a {GATEWAY}"


async def test_endpoints_on_the_network_of_the_node(site: Site) -> None:
    """As the Service `kubernetes` has them."""
    client = site.lab.pod("client")
    site.service()
    site.endpoints(site.lab.server("api", NODE))
    assert await until(served, client.namespace) == f"api {client.address}"
    assert (await until(served, site.lab.node)).startswith("api ")


async def test_endpoints_follow_the_slices(site: Site) -> None:
    a, b, client = site.lab.pod("a"), site.lab.pod("b"), site.lab.pod("client")
    site.service()
    site.endpoints(a)
    await until(f"a {client.address}", client.namespace)
    site.endpoints(b)
    await until(f"b {client.address}", client.namespace)
    site.endpoints(a, b)
    await until(f"a {client.address}", client.namespace)
    assert (await tally(client.namespace, 40)).keys() == {"a", "b"}


@pytest.mark.parametrize("origin", ["pod", "node"])
async def test_without_endpoints_connections_are_refused(site: Site, origin: str) -> None:
    a = site.lab.pod("a")
    namespace = site.lab.pod("client").namespace if origin == "pod" else site.lab.node
    site.service(nodePort=NODE_PORT)
    site.endpoints()
    await until("refused", namespace)
    assert await answer(namespace, NODE, NODE_PORT) == "refused"
    site.endpoints(a)
    await until(served, namespace)
    assert served(await answer(namespace, NODE, NODE_PORT))
    assert await answer(namespace, VIP, 81) == "refused"
    assert await answer(namespace, "10.96.0.99", patience=0.2) == "silent"  # an address that no Service has


async def test_terminating_endpoints_serve_when_there_are_no_others(site: Site) -> None:
    a, b, client = site.lab.pod("a"), site.lab.pod("b"), site.lab.pod("client")
    site.service()
    site.endpoints(a, conditions={"ready": False, "serving": True, "terminating": True})
    await until(f"a {client.address}", client.namespace)
    site.endpoints(b, conditions={"ready": False, "serving": False, "terminating": True})
    await until("refused", client.namespace)


async def test_deleted_services_are_silent(site: Site) -> None:
    client = site.lab.pod("client")
    site.service()
    site.endpoints(site.lab.pod("a"))
    await until(served, client.namespace)
    site.api.remove(f"{SERVICES}/web")
    await until("silent", client.namespace)


@pytest.mark.parametrize("address", [NODE, GATEWAY])
async def test_node_ports(site: Site, address: str) -> None:
    """On every address of the node, from everywhere; the Pod sees the node."""
    client = site.lab.pod("client")
    site.service(type="NodePort", nodePort=NODE_PORT)
    site.endpoints(site.lab.pod("a"))
    for origin in (site.lab.outside, client.namespace, site.lab.node):
        assert await until(served, origin, address, NODE_PORT) == f"a {GATEWAY}"


async def test_external_addresses(site: Site) -> None:
    client = site.lab.pod("client")
    balanced = {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}}
    site.service(type="LoadBalancer", externalIPs=["203.0.113.1"], status=balanced)
    site.endpoints(site.lab.pod("a"))
    for address in ("203.0.113.1", "203.0.113.2"):
        for origin in (site.lab.outside, client.namespace, site.lab.node):
            assert await until(served, origin, address) == f"a {GATEWAY}"


async def test_local_policy_shows_the_client_outside(site: Site) -> None:
    a, client = site.lab.pod("a"), site.lab.pod("client")
    site.service(type="NodePort", nodePort=NODE_PORT, externalTrafficPolicy="Local")
    site.endpoints(a)
    assert await until(served, site.lab.outside, NODE, NODE_PORT) == f"a {OUTSIDE}"
    site.endpoints(a, nodeName="elsewhere")
    await until("silent", site.lab.outside, NODE, NODE_PORT)
    assert served(await answer(client.namespace, NODE, NODE_PORT))  # Pods may take the long way


async def test_internal_local_policy(site: Site) -> None:
    a, client = site.lab.pod("a"), site.lab.pod("client")
    site.service(internalTrafficPolicy="Local")
    site.endpoints(a)
    await until(served, client.namespace)
    site.endpoints(a, nodeName="elsewhere")
    await until("silent", client.namespace)


async def test_source_ranges_keep_others_out(site: Site) -> None:
    client = site.lab.pod("client")
    balanced = {"loadBalancer": {"ingress": [{"ip": "203.0.113.2"}]}}
    site.service(type="LoadBalancer", loadBalancerSourceRanges=["10.244.0.0/16", "198.51.100.0/24"], status=balanced)
    site.endpoints(site.lab.pod("a"))
    await until(served, client.namespace, "203.0.113.2")
    assert await answer(site.lab.outside, "203.0.113.2", patience=0.3) == "silent"


async def test_clients_stay_with_their_endpoint(site: Site) -> None:
    pods = [site.lab.pod(name) for name in "abcd"]
    by_name = {pod.name: pod for pod in pods}
    clients = [site.lab.pod(f"client{number}").namespace for number in range(6)]
    site.service(sessionAffinity="ClientIP", nodePort=NODE_PORT)
    site.endpoints(*pods)
    await until(served, clients[0])
    chosen = [set(await tally(client, 8)) for client in clients]
    assert [len(names) for names in chosen] == [1] * len(clients)
    assert len(set.union(*chosen)) > 1  # it is not one endpoint for all
    assert set(await tally(clients[0], 4, NODE, NODE_PORT)) == chosen[0]  # by whatever way they come
    gone = chosen[0].pop()
    site.endpoints(*(pod for pod in pods if pod is not by_name[gone]))
    await until(lambda got: served(got) and got.split()[0] != gone, clients[0])
    assert [set(await tally(c, 4)) for c, names in zip(clients[1:], chosen[1:], strict=True) if gone not in names] == [
        names for names in chosen[1:] if gone not in names
    ]


async def test_affinity_ends(site: Site) -> None:
    pods = [site.lab.pod(name) for name in "abcd"]
    client = site.lab.pod("client").namespace
    site.service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 1}})
    site.endpoints(*pods)
    first = await until(served, client)
    async with asyncio.timeout(20):  # a fourth of the turns ends at the same endpoint
        while await answer(client) == first:
            await asyncio.sleep(1.2)


async def test_datagrams_leave_an_endpoint_that_is_gone(site: Site) -> None:
    a, b, client = site.lab.pod("a"), site.lab.pod("b"), site.lab.pod("client")
    site.service(protocol="UDP")
    site.endpoints(a, protocol="UDP")
    with closing(Talker(client.namespace, VIP, PORT)) as talker:
        async with asyncio.timeout(5):
            while await asyncio.to_thread(talker.ask) != f"a {client.address}":
                await asyncio.sleep(0.01)
        site.endpoints(b, protocol="UDP")
        async with asyncio.timeout(5):
            while await asyncio.to_thread(talker.ask) != f"b {client.address}":
                await asyncio.sleep(0.01)


async def test_the_health_check_of_a_load_balancer(site: Site) -> None:
    a = site.lab.pod("a")
    site.service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=31000)
    site.endpoints(a)
    answers: list[tuple[int, Any]] = []
    for node, status in (("here", 200), ("elsewhere", 503)):
        site.endpoints(a, nodeName=node)
        async with asyncio.timeout(5):
            while (got := await asyncio.to_thread(get, site.lab.outside, NODE, 31000))[0] != status:
                await asyncio.sleep(0.01)
        answers.append(got)
    service = {"namespace": "default", "name": "web"}
    assert answers == [
        (200, {"service": service, "localEndpoints": 1, "serviceProxyHealthy": True}),
        (503, {"service": service, "localEndpoints": 0, "serviceProxyHealthy": True}),
    ]
    site.api.remove(f"{SERVICES}/web")
    await until("refused", site.lab.outside, NODE, 31000)


async def test_pods_leave_the_cluster_as_the_node(site: Site) -> None:
    client = site.lab.pod("client")
    site.lab.server("world")
    site.service()
    await until("refused", client.namespace)
    assert await answer(client.namespace, OUTSIDE, 8080) == f"world {NODE}"


async def test_services_outlive_the_proxy_and_its_return(site: Site) -> None:
    a, b, client = site.lab.pod("a"), site.lab.pod("b"), site.lab.pod("client")
    async with Site(site.lab, site.api).proxying():
        site.service()
        site.endpoints(a)
        await until(served, client.namespace)
    assert await answer(client.namespace) == f"a {client.address}"
    site.endpoints(b)
    async with Site(site.lab, site.api).proxying():
        await until(f"b {client.address}", client.namespace)


async def test_a_flushed_table_comes_back_with_the_next_change(site: Site) -> None:
    a, b, client = site.lab.pod("a"), site.lab.pod("b"), site.lab.pod("client")
    site.service()
    site.endpoints(a)
    await until(served, client.namespace)
    site.nft("flush ruleset")
    assert not served(await answer(client.namespace, patience=0.3))
    site.endpoints(b)
    await until(f"b {client.address}", client.namespace)


async def test_a_flushed_table_is_found_within_a_minute(lab: Lab) -> None:
    clock = VirtualClock()
    site = Site(lab, clock=clock)
    async with site.proxying():
        site.service()
        site.endpoints(lab.pod("a"))
        await until(served, lab.node)
        site.nft("flush ruleset")
        await clock.advance(60)
        await until(served, lab.node)


async def test_udp(site: Site) -> None:
    a, b = site.lab.pod("a"), site.lab.pod("b")
    site.service(protocol="UDP", type="NodePort", nodePort=NODE_PORT)
    site.endpoints(a, b, protocol="UDP")
    for origin, address, port in ((a.namespace, VIP, PORT), (site.lab.outside, NODE, NODE_PORT)):
        names = set[str]()
        async with asyncio.timeout(5):
            while names != {"a", "b"}:
                with closing(Talker(origin, address, port)) as talker:
                    names |= {got.split()[0] for got in [await asyncio.to_thread(talker.ask)] if served(got)}


async def test_many_services_at_once(site: Site) -> None:
    a, client = site.lab.pod("a"), site.lab.pod("client")
    for number in range(1000):
        site.service(f"web{number}", clusterIP=f"10.96.{100 + number // 250}.{number % 250 + 1}")
        site.endpoints(a, service=f"web{number}")
    await until(served, client.namespace, "10.96.103.250")
    for number in (0, 500, 999):
        assert served(await answer(client.namespace, f"10.96.{100 + number // 250}.{number % 250 + 1}"))
    site.endpoints(service="web500")
    await until("refused", client.namespace, "10.96.102.1")


async def test_other_tables_are_left_alone_and_teardown_removes_ours(site: Site) -> None:
    site.nft("add table inet other")
    site.service()
    site.endpoints(site.lab.pod("a"))
    await until(served, site.lab.node)
    assert site.nft("list tables").split("\n") == ["table inet other", f"table inet {OPTIONS.table}", ""]
    await teardown(OPTIONS)
    await teardown(OPTIONS)  # a second time is no error
    assert site.nft("list tables") == "table inet other\n"
