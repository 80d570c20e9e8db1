"""Deployments and ReplicaSets on a real API: defaults, validation and patches are the server's own."""

from __future__ import annotations

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS, REPLICATION_CONTROLLERS
from knarr.controllers.table import CONTROLLERS
from tests.api.cluster import Cluster
from tests.api.harness import Server

LABELS = {"app": "web"}


def template(image: str) -> JSON:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}]}}


class Site(Cluster):
    async def deploy(self, replicas: int, image: str = "v1", **spec: object) -> None:
        selector = {"matchLabels": LABELS}
        await self.create(
            DEPLOYMENTS, "web", {"replicas": replicas, "selector": selector, "template": template(image), **spec}
        )

    async def set_image(self, image: str) -> None:
        containers = {"containers": [{"name": "c", "image": image}]}
        await self.patch(DEPLOYMENTS, "web", {"spec": {"template": {"spec": containers}}})

    async def start_all(self) -> None:
        """As kubelets: start what is new, bury what is deleted, until nothing is left to do."""
        while True:
            pods = await self.all(PODS)
            new = [p for p in pods if "conditions" not in p["status"]]
            if not new:
                return
            await self.start(new[0])

    async def sizes(self) -> dict[str, int]:
        found = await self.all(REPLICA_SETS)
        return {s["spec"]["template"]["spec"]["containers"][0]["image"]: s["spec"]["replicas"] for s in found}

    async def progress(self) -> str:
        conditions = (await self.get(DEPLOYMENTS, "web"))["status"]["conditions"]
        return str(next(c["reason"] for c in conditions if c["type"] == "Progressing"))


@pytest.fixture
def site(server: Server) -> Site:
    return Site(server)


async def test_rollout_and_rollback(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.deploy(3)
        await site.start_all()
        assert (await site.sizes(), await site.progress()) == ({"v1": 3}, "NewReplicaSetAvailable")
        await site.set_image("v2")
        await site.start_all()
        assert (await site.sizes(), await site.progress()) == ({"v1": 0, "v2": 3}, "NewReplicaSetAvailable")
        await site.set_image("v1")
        await site.start_all()
        assert await site.sizes() == {"v1": 3, "v2": 0}
        deployment = await site.get(DEPLOYMENTS, "web")
        assert deployment["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "3"}
        assert deployment["metadata"]["generation"] == 3
        assert {k: v for k, v in deployment["status"].items() if k != "conditions"} == {
            "observedGeneration": 3,
            "replicas": 3,
            "updatedReplicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "terminatingReplicas": 0,
        }


async def test_a_settled_cluster_is_quiet(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.deploy(2)
        await site.start_all()
        revision = site.server.cache.revision
        await site.patch(DEPLOYMENTS, "web", {"metadata": {"labels": {"poked": "yes"}}})
        await site.advance(3600)
        assert site.server.cache.revision == revision + 1


async def test_a_pod_that_is_relabelled_is_replaced_and_one_that_matches_is_adopted(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.create(
            REPLICATION_CONTROLLERS, "web", {"replicas": 2, "selector": LABELS, "template": template("v1")}
        )
        first, _ = await site.all(PODS)
        await site.patch(PODS, first["metadata"]["name"], {"metadata": {"labels": {"app": "debug"}}})
        pods = {p["metadata"]["name"]: p for p in await site.all(PODS)}
        assert len(pods) == 3
        assert not pods[first["metadata"]["name"]]["metadata"].get("ownerReferences")
        await site.patch(PODS, first["metadata"]["name"], {"metadata": {"labels": LABELS}})
        assert len(await site.all(PODS)) == 2


async def test_scaling_up_and_down(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.deploy(0)
        for replicas in (30, 4):
            await site.patch(DEPLOYMENTS, "web", {"spec": {"replicas": replicas}})
            assert len(await site.all(PODS)) == replicas
        (made,) = await site.all(REPLICA_SETS)
        assert made["status"]["replicas"] == 4
