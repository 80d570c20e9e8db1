from __future__ import annotations

import asyncio

from knarr.apiserver import bootstrap
from tests.api.harness import Server, settle
from tests.api.objects import NAMESPACES, SERVICES

ENDPOINTS = "/api/v1/namespaces/default/endpoints/kubernetes"
SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"


async def test_a_cluster_begins_with_namespaces_and_a_way_to_its_api(server: Server) -> None:
    await bootstrap.ensure(server.api.registry)
    names = [item["metadata"]["name"] for item in (await server.get(NAMESPACES)).body["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    service = (await server.get(f"{SERVICES}/kubernetes")).body
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["spec"]["ports"] == [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}]
    assert (await server.get("/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1")).status == 200
    endpoints = (await server.get(ENDPOINTS)).body
    assert endpoints["subsets"] == [
        {"addresses": [{"ip": "127.0.0.1"}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}
    ]
    classes = (await server.get("/apis/scheduling.k8s.io/v1/priorityclasses")).body["items"]
    assert [(item["metadata"]["name"], item["value"]) for item in classes] == [
        ("system-cluster-critical", 2000000000),
        ("system-node-critical", 2000001000),
    ]
    assert (await server.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")).body["spec"] == {
        "cidrs": ["10.96.0.0/16"]
    }
    assert (await server.get(SLICE)).body["endpoints"] == [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]


async def test_a_second_start_writes_nothing(server: Server) -> None:
    await bootstrap.ensure(server.api.registry)
    before = server.cache.revision
    await bootstrap.ensure(server.api.registry)
    assert server.cache.revision == before


async def test_what_is_taken_away_or_changed_comes_back(server: Server) -> None:
    keeper = asyncio.create_task(bootstrap.run(server.api.registry))
    await settle()
    await server.delete(f"{SERVICES}/kubernetes")
    await server.patch(ENDPOINTS, {"subsets": [{"addresses": [{"ip": "10.1.1.1"}]}]})
    await server.delete(SLICE)
    for _ in range(3):  # one after the other
        await settle()
    assert (await server.get(f"{SERVICES}/kubernetes")).body["spec"]["clusterIP"] == "10.96.0.1"
    assert (await server.get(ENDPOINTS)).body["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]
    assert (await server.get(SLICE)).status == 200
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)


async def test_who_insists_on_another_opinion_is_not_fought_at_any_cost(server: Server) -> None:
    keeper = asyncio.create_task(bootstrap.run(server.api.registry))
    await settle()
    for n in range(30):
        await server.patch(ENDPOINTS, {"subsets": [{"addresses": [{"ip": f"10.1.1.{n}"}]}]})
        await settle()
    assert (await server.get(ENDPOINTS)).body["subsets"][0]["addresses"] == [{"ip": "10.1.1.29"}]
    await server.clock.advance(bootstrap.REPAIRS_WITHIN)
    await settle()
    assert (await server.get(ENDPOINTS)).body["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
