"""Services and what stands behind them, on a real API: slices, Endpoints and mirrors follow the Pods' readiness."""

from __future__ import annotations

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import ENDPOINT_SLICES, ENDPOINTS, NODES, PODS, SERVICES
from knarr.controllers import endpoints, endpointslice, endpointslicemirroring
from tests.api.cluster import Cluster
from tests.api.harness import Server

CONTROLLERS = (endpoints.CONTROLLER, endpointslice.CONTROLLER, endpointslicemirroring.CONTROLLER)
LABELS = {"app": "web"}


class Site(Cluster):
    async def pod(self, name: str, ip: str, *, ready: bool = True, **spec: object) -> JSON:
        """A Pod on the node `n1`, as its kubelet tells of it."""
        containers = [{"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 8080}]}]
        pod = await self.create(PODS, name, {"nodeName": "n1", "containers": containers, **spec}, labels=LABELS)
        await self.ready(name, ready, ip)
        return pod

    async def ready(self, name: str, ready: bool, ip: str) -> None:
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:00Z"}
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [condition]}
        await self.patch(PODS, name, {"status": status}, "status")

    async def service(self, name: str = "web", **spec: object) -> JSON:
        ports = [{"port": 80, "targetPort": "http"}]
        return await self.create(SERVICES, name, {"selector": LABELS, "ports": ports, **spec}, labels={"own": "label"})

    async def slices(self) -> list[JSON]:
        return sorted(await self.all(ENDPOINT_SLICES), key=lambda s: str(s["metadata"]["name"]))

    async def states(self) -> dict[str, str]:
        """Addresses, and what is true of them."""
        found = [e for s in await self.slices() for e in s["endpoints"]]
        return {e["addresses"][0]: " ".join(name for name, yes in e["conditions"].items() if yes) for e in found}


@pytest.fixture
async def site(server: Server) -> Site:
    await server.post("/api/v1/nodes", {"metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "z"}}})
    return Site(server)


async def test_a_service_and_its_pod(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        service = await site.service()
        pod = await site.pod("web-1", "10.244.0.5")
        (found,) = await site.slices()
        target = {"kind": "Pod", "namespace": "default", "name": "web-1", "uid": pod["metadata"]["uid"]}
        assert found["endpoints"] == [
            {
                "addresses": ["10.244.0.5"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": "n1",
                "targetRef": target,
                "zone": "z",
            }
        ]
        assert found["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
        assert found["addressType"] == "IPv4"
        assert found["metadata"]["generateName"] == "web-"
        assert found["metadata"]["labels"] == {
            "own": "label",
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        assert found["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "name": "web",
                "uid": service["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
        legacy = await site.get(ENDPOINTS, "web")
        assert legacy["metadata"]["labels"] == {
            "own": "label",
            "endpoints.kubernetes.io/managed-by": "endpoint-controller",
        }
        assert legacy["subsets"] == [
            {
                "addresses": [{"ip": "10.244.0.5", "nodeName": "n1", "targetRef": target}],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ]


async def test_slices_follow_the_pods(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.service()
        first = await site.pod("web-1", "10.244.0.5")
        await site.pod("web-2", "10.244.0.6", ready=False)
        assert await site.states() == {"10.244.0.5": "ready serving", "10.244.0.6": ""}
        await site.ready("web-2", True, "10.244.0.6")
        assert await site.states() == {"10.244.0.5": "ready serving", "10.244.0.6": "ready serving"}
        await site.client.delete(PODS, "web-1", "default")
        await site.settle()
        assert await site.states() == {"10.244.0.5": "serving terminating", "10.244.0.6": "ready serving"}
        (subset,) = (await site.get(ENDPOINTS, "web"))["subsets"]
        assert [a["ip"] for a in subset["addresses"]] == ["10.244.0.6"]
        await site.purge(first)
        assert await site.states() == {"10.244.0.6": "ready serving"}
        await site.patch(PODS, "web-2", {"metadata": {"labels": {"app": "other"}}})
        assert [s["endpoints"] for s in await site.slices()] == [[]]
        assert "subsets" not in await site.get(ENDPOINTS, "web")


async def test_many_endpoints_take_few_slices_and_few_writes(site: Site) -> None:
    for number in range(205):
        await site.pod(f"web-{number}", f"10.244.1.{number}")
    async with site.running(*CONTROLLERS):
        await site.service()
        assert sorted(len(s["endpoints"]) for s in await site.slices()) == [5, 100, 100]
        versions = {s["metadata"]["name"]: s["metadata"]["resourceVersion"] for s in await site.slices()}
        await site.ready("web-7", False, "10.244.1.7")
        changed = [
            s for s in await site.slices() if versions[s["metadata"]["name"]] != s["metadata"]["resourceVersion"]
        ]
        assert len(changed) == 1


async def test_a_settled_service_is_quiet(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.service()
        await site.pod("web-1", "10.244.0.5")
        revision = site.server.cache.revision
        await site.patch(NODES, "n1", {"metadata": {"labels": {"poked": "yes"}}})
        await site.advance(3600)
        assert site.server.cache.revision == revision + 1
    async with Site(site.server).running(*CONTROLLERS):
        assert site.server.cache.revision == revision + 1


async def test_a_headless_service_without_ports_names_its_pods(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.service(clusterIP="None", ports=[])
        await site.pod("web-1", "10.244.0.5", hostname="one", subdomain="web")
        (found,) = await site.slices()
        assert (found["endpoints"][0]["hostname"], found["ports"]) == ("one", [])
        assert found["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
        (subset,) = (await site.get(ENDPOINTS, "web"))["subsets"]
        assert (subset["addresses"][0]["hostname"], subset.get("ports")) == ("one", None)


async def test_endpoints_by_hand_are_mirrored(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.create(SERVICES, "by-hand", {"ports": [{"port": 80, "targetPort": 9376}]})
        body = {
            "metadata": {"name": "by-hand", "labels": {"own": "label"}},
            "subsets": [{"addresses": [{"ip": "192.0.2.42"}], "ports": [{"port": 9376}]}],
        }
        made = await site.client.create(ENDPOINTS, body, "default", view=dict)
        await site.settle()
        (mirror,) = await site.slices()
        assert mirror["endpoints"] == [{"addresses": ["192.0.2.42"], "conditions": {"ready": True}}]
        assert mirror["ports"] == [{"name": "", "port": 9376, "protocol": "TCP"}]
        assert mirror["metadata"]["labels"] == {
            "own": "label",
            "kubernetes.io/service-name": "by-hand",
            "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        }
        assert mirror["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
        other = {"subsets": [{"addresses": [{"ip": "192.0.2.43"}], "ports": [{"port": 9376}]}]}
        await site.patch(ENDPOINTS, "by-hand", other)
        (moved,) = await site.slices()
        assert moved["metadata"]["name"] == mirror["metadata"]["name"]
        assert moved["endpoints"][0]["addresses"] == ["192.0.2.43"]
        await site.patch(
            ENDPOINTS, "by-hand", {"metadata": {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}}
        )
        assert await site.slices() == []


async def test_endpoints_go_with_their_service(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.service()
        await site.client.delete(SERVICES, "web", "default")
        await site.settle()
        assert await site.all(ENDPOINTS) == []
