"""Garbage collection on a real API: what becomes of dependents when their owner is deleted, by propagation policy."""

from __future__ import annotations

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    NODES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    Resource,
)
from knarr.controllers import garbagecollector
from knarr.controllers.table import CONTROLLERS
from knarr.machinery.errors import NotFound
from tests.api.cluster import Cluster
from tests.api.harness import Server

COLLECTOR = garbagecollector.CONTROLLER


class Site(Cluster):
    async def make(
        self, name: str, *owners: JSON, blocking: bool = False, namespace: str = "default", **metadata: object
    ) -> JSON:
        """A ConfigMap with these owners."""
        refs = [
            {
                "apiVersion": "v1",
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": blocking,
            }
            for owner in owners
        ]
        body = {"metadata": {"name": name, "ownerReferences": refs, **metadata}}
        made = await self.client.create(CONFIG_MAPS, body, namespace, view=dict)
        await self.settle()
        return made

    async def delete(self, name: str, propagation: str | None = None, resource: Resource = CONFIG_MAPS) -> None:
        await self.client.delete(resource, name, "default", propagation=propagation)
        await self.settle()

    async def names(self, resource: Resource = CONFIG_MAPS) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in await self.all(resource))

    async def owners(self, name: str) -> list[str]:
        refs = (await self.get(CONFIG_MAPS, name))["metadata"].get("ownerReferences", [])
        return [ref["name"] for ref in refs]


@pytest.fixture
def site(server: Server) -> Site:
    return Site(server)


async def test_dependents_follow_their_owner(site: Site) -> None:
    async with site.running(COLLECTOR):
        owner = await site.make("owner")
        child = await site.make("child", owner)
        await site.make("grandchild", child)
        await site.make("other")
        await site.delete("owner")
        assert await site.names() == ["other"]


async def test_garbage_from_before_is_found(site: Site) -> None:
    owner = await site.make("owner")
    await site.make("child", owner)
    await site.delete("owner")
    assert await site.names() == ["child"]
    async with site.running(COLLECTOR):
        assert await site.names() == []


async def test_one_owner_is_enough(site: Site) -> None:
    async with site.running(COLLECTOR):
        one, two = await site.make("one"), await site.make("two")
        await site.make("child", one, two)
        await site.delete("one")
        assert (await site.names(), await site.owners("child")) == (["child", "two"], ["two"])
        await site.delete("two")
        assert await site.names() == []


async def test_orphans_are_let_go(site: Site) -> None:
    async with site.running(COLLECTOR):
        owner = await site.make("owner")
        await site.make("child", owner)
        await site.delete("owner", "Orphan")
        assert (await site.names(), await site.owners("child")) == (["child"], [])


async def test_foreground_waits_for_those_that_block(site: Site) -> None:
    async with site.running(COLLECTOR):
        owner = await site.make("owner")
        await site.make("slow", owner, blocking=True, finalizers=["example.com/wait"])
        await site.make("free", owner, finalizers=["example.com/wait"])
        await site.delete("owner", "Foreground")
        assert await site.names() == ["free", "owner", "slow"]
        assert (await site.get(CONFIG_MAPS, "owner"))["metadata"]["finalizers"] == ["foregroundDeletion"]
        assert "deletionTimestamp" in (await site.get(CONFIG_MAPS, "free"))["metadata"]
        await site.patch(CONFIG_MAPS, "slow", {"metadata": {"finalizers": None}})
        assert await site.names() == ["free"]


async def test_foreground_goes_down_the_tree(site: Site) -> None:
    async with site.running(COLLECTOR):
        owner = await site.make("owner")
        child = await site.make("child", owner, blocking=True)
        await site.make("grandchild", child, blocking=True, finalizers=["example.com/wait"])
        await site.delete("owner", "Foreground")
        assert await site.names() == ["child", "grandchild", "owner"]
        await site.patch(CONFIG_MAPS, "grandchild", {"metadata": {"finalizers": None}})
        assert await site.names() == []


async def test_a_circle_of_owners_goes_too(site: Site) -> None:
    async with site.running(COLLECTOR):
        one = await site.make("one")
        two = await site.make("two", one, blocking=True)
        ref = {"apiVersion": "v1", "kind": "ConfigMap", "name": "two", "uid": two["metadata"]["uid"]}
        await site.patch(CONFIG_MAPS, "one", {"metadata": {"ownerReferences": [{**ref, "blockOwnerDeletion": True}]}})
        await site.delete("one", "Foreground")
        assert await site.names() == []


async def test_an_owner_in_another_namespace_is_none(site: Site) -> None:
    async with site.running(COLLECTOR):
        await site.server.post("/api/v1/namespaces", {"metadata": {"name": "far"}})
        owner = await site.make("owner", namespace="far")
        await site.make("child", owner)
        assert await site.names() == []
        uid = owner["metadata"]["uid"]
        assert await site.events() == [
            f"OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: {uid}] "
            'does not exist in namespace "default"'
        ]


async def test_an_owner_without_a_namespace_is_one(site: Site) -> None:
    async with site.running(COLLECTOR):
        node = (await site.server.post("/api/v1/nodes", {"metadata": {"name": "n1"}})).body
        await site.make("child", node)
        assert await site.names() == ["child"]
        await site.delete("n1", resource=NODES)
        assert await site.names() == []


async def test_an_owner_of_a_kind_that_is_not_served_is_left_in_doubt(site: Site) -> None:
    async with site.running(COLLECTOR):
        await site.make("child", {"kind": "Unheard", "metadata": {"name": "of", "uid": "x"}})
        await site.advance(3600)
        assert await site.names() == ["child"]


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_a_deployment_goes_with_all_that_it_made(site: Site, propagation: str) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    async with site.running(*CONTROLLERS):
        await site.create(DEPLOYMENTS, "web", spec)
        assert len(await site.names(PODS)) == 3
        await site.delete("web", propagation, DEPLOYMENTS)
        assert [await site.names(r) for r in (DEPLOYMENTS, REPLICA_SETS, PODS)] == [[], [], []]


async def test_a_service_goes_with_its_slices(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.create(SERVICES, "web", {"selector": {"app": "web"}, "ports": [{"port": 80}]})
        assert len(await site.names(ENDPOINT_SLICES)) == 1
        await site.delete("web", resource=SERVICES)
        assert (await site.names(ENDPOINT_SLICES), await site.names(ENDPOINTS)) == ([], [])


async def test_a_namespace_goes_with_all_that_is_in_it(site: Site) -> None:
    async with site.running(*CONTROLLERS):
        await site.server.post("/api/v1/namespaces", {"metadata": {"name": "doomed"}})
        await site.settle()
        await site.client.create(SECRETS, {"metadata": {"name": "secret"}}, "doomed")
        spec = {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}
        await site.client.create(PODS, {"metadata": {"name": "pod"}, "spec": spec}, "doomed")
        await site.server.delete("/api/v1/namespaces/doomed")
        await site.settle()
        told = (await site.server.get("/api/v1/namespaces/doomed")).body["status"]
        remaining = {c["type"]: c["message"] for c in told["conditions"] if c["status"] == "True"}
        assert (told["phase"], remaining) == (
            "Terminating",
            {"NamespaceContentRemaining": "Some resources are remaining: pods. has 1 resource instances"},
        )
        assert (await site.server.get("/api/v1/namespaces/doomed/secrets/secret")).status == 200  # the Pod may need it
        await site.client.delete(PODS, "pod", "doomed", grace=0)
        await site.settle()
        assert (await site.server.get("/api/v1/namespaces/doomed")).status == 404
        with pytest.raises(NotFound):
            await site.client.get(SECRETS, "secret", "doomed", view=dict)
