from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from knarr.apiserver.registry import Options
from tests.api.harness import Server
from tests.api.objects import SERVICES, service

ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"


@pytest.fixture
async def small() -> AsyncIterator[Server]:
    """A cluster with six cluster IPs and three node ports."""
    options = Options(service_cidr=IPv4Network("10.0.0.0/29"), node_ports=range(30000, 30003), random=random.Random(1))
    running = Server(options)
    await running.cache.start()
    await running.post("/api/v1/namespaces", {"metadata": {"name": "default"}})
    yield running
    running.api.close()
    await running.cache.stop()
    await running.store.close()


async def _addresses(server: Server) -> list[str]:
    return [item["metadata"]["name"] for item in (await server.get(ADDRESSES)).body["items"]]


async def test_a_service_holds_its_address(server: Server) -> None:
    spec = (await server.post(SERVICES, service())).body["spec"]
    address = spec["clusterIP"]
    assert IPv4Address("10.96.1.0") < IPv4Address(address) < IPv4Address("10.96.255.255")
    assert spec["clusterIPs"] == [address]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    claim = (await server.get(f"{ADDRESSES}/{address}")).body
    parent = {"group": "", "resource": "services", "namespace": "default", "name": "s"}
    assert claim["spec"] == {"parentRef": parent}
    await server.delete(f"{SERVICES}/s")
    assert await _addresses(server) == []


async def test_a_fixed_address_is_taken_once(server: Server) -> None:
    assert (await server.post(SERVICES, service("a", clusterIP="10.96.0.10"))).status == 201
    taken = await server.post(SERVICES, service("b", clusterIP="10.96.0.10"))
    assert (taken.status, taken.body["message"]) == (
        422,
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: '
        "failed to allocate IP 10.96.0.10: provided IP is already allocated",
    )
    outside = await server.post(SERVICES, service("b", clusterIP="10.97.0.1"))
    assert outside.body["message"].endswith(
        "failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. "
        "The range of valid IPs is 10.96.0.0/16"
    )


async def test_an_update_keeps_the_address_and_the_ports(server: Server) -> None:
    made = (await server.post(SERVICES, service(type="NodePort"))).body["spec"]
    changed = (await server.put(f"{SERVICES}/s", service(type="NodePort", selector={"a": "b"}))).body["spec"]
    assert changed["clusterIP"] == made["clusterIP"]
    assert changed["ports"] == made["ports"]


async def test_types_take_and_release_node_ports(server: Server) -> None:
    made = (await server.post(SERVICES, service())).body["spec"]
    assert "nodePort" not in made["ports"][0]
    port = (await server.patch(f"{SERVICES}/s", {"spec": {"type": "NodePort"}})).body["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port < 32768
    taken = await server.post(SERVICES, service("t", {"nodePort": port}, type="NodePort"))
    assert (taken.status, taken.body["message"]) == (
        422,
        f'Service "t" is invalid: spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated',
    )
    back = (await server.patch(f"{SERVICES}/s", {"spec": {"type": "ClusterIP"}})).body["spec"]
    assert "nodePort" not in back["ports"][0]
    assert (await server.post(SERVICES, service("t", {"nodePort": port}, type="NodePort"))).status == 201


async def test_a_port_outside_the_range(server: Server) -> None:
    answer = await server.post(SERVICES, service(port={"nodePort": 80}, type="NodePort"))
    assert answer.body["message"] == (
        'Service "s" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. '
        "The range of valid ports is 30000-32767"
    )


async def test_becoming_an_external_name_gives_everything_back(server: Server) -> None:
    await server.post(SERVICES, service(type="NodePort"))
    patch = {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": "", "clusterIPs": None}}
    answer = await server.patch(f"{SERVICES}/s", patch)
    assert answer.status == 200
    assert answer.body["spec"].keys() & {"clusterIP", "clusterIPs", "ipFamilies"} == set()
    assert await _addresses(server) == []


async def test_a_headless_service_takes_no_address(server: Server) -> None:
    spec = (await server.post(SERVICES, service(clusterIP="None"))).body["spec"]
    assert (spec["clusterIP"], spec["clusterIPs"]) == ("None", ["None"])
    assert await _addresses(server) == []


async def test_health_check_ports(server: Server) -> None:
    spec: dict[str, Any] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    made = (await server.post(SERVICES, service(**spec))).body["spec"]
    assert 30000 <= made["healthCheckNodePort"] < 32768
    assert made["healthCheckNodePort"] != made["ports"][0]["nodePort"]


async def test_a_full_range(small: Server) -> None:
    answers = await asyncio.gather(*(small.post(SERVICES, service(f"s{n}")) for n in range(7)))
    assert sorted(answer.status for answer in answers) == [201] * 6 + [422]
    assert len(await _addresses(small)) == 6
    full = next(answer for answer in answers if answer.status == 422)
    assert full.body["message"].endswith("failed to allocate a serviceIP: range is full")


async def test_writers_at_the_same_time_get_different_ports(small: Server) -> None:
    answers = await asyncio.gather(*(small.post(SERVICES, service(f"s{n}", type="NodePort")) for n in range(3)))
    ports = [answer.body["spec"]["ports"][0]["nodePort"] for answer in answers]
    assert sorted(ports) == [30000, 30001, 30002]


async def test_allocations_outlive_the_server(server: Server) -> None:
    port = (await server.post(SERVICES, service(type="NodePort"))).body["spec"]["ports"][0]["nodePort"]
    await server.cache.stop()
    server.restart()
    await server.cache.start()
    taken = await server.post(SERVICES, service("t", {"nodePort": port}, type="NodePort"))
    assert "already allocated" in taken.body["message"]


async def test_a_dry_run_allocates_nothing(server: Server) -> None:
    assert (await server.post(SERVICES, service(type="NodePort"), dryRun="All")).status == 201
    assert await _addresses(server) == []


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"ipFamilies": ["IPv6"]}, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        (
            {"ipFamilyPolicy": "RequireDualStack"},
            'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
            "this cluster is not configured for dual-stack services",
        ),
    ],
    ids=["family", "policy"],
)
async def test_families_without_addresses(server: Server, spec: dict[str, Any], cause: str) -> None:
    path, ports = "/api/v1/namespaces/default/services", [{"port": 80}]
    refused = await server.post(path, {"metadata": {"name": "a"}, "spec": {**spec, "ports": ports}})
    assert (refused.status, refused.body["message"]) == (422, f'Service "a" is invalid: {cause}')
    headless = {**spec, "ports": ports, "clusterIP": "None"}
    assert (await server.post(path, {"metadata": {"name": "b"}, "spec": headless})).status == 201


async def test_the_first_family_stays(server: Server) -> None:
    path = "/api/v1/namespaces/default/services"
    await server.post(path, {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}})
    refused = await server.patch(f"{path}/a", {"spec": {"ipFamilies": ["IPv6"]}})
    assert refused.body["message"].endswith('spec.ipFamilies[0]: Invalid value: "IPv6": may not change once set')
