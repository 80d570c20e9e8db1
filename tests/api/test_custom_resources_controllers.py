"""Our controllers and kinds that come while they run: garbage is collected, namespaces are emptied."""

from __future__ import annotations

from typing import Any

from knarr.client.resources import CONFIG_MAPS, NAMESPACES, Resource
from knarr.controllers import garbagecollector, namespace
from tests.api.cluster import Cluster
from tests.api.definitions import GROUP, definition, established, widget
from tests.api.harness import Server

JSON = dict[str, Any]
WIDGETS = Resource(GROUP, "v1", "widgets", "Widget")


def owned(name: str, owner: JSON) -> JSON:
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {
        key: owner["metadata"][key] for key in ("name", "uid")
    }
    return {"metadata": {"name": name, "ownerReferences": [reference]}}


async def test_custom_resources_own_and_are_owned(server: Server) -> None:
    cluster = Cluster(server)
    async with cluster.running(garbagecollector.CONTROLLER):
        await established(server, definition())
        await cluster.advance(5)
        owner = await cluster.client.create(WIDGETS, widget(), "default", view=dict)
        dependent = await cluster.client.create(CONFIG_MAPS, owned("c", owner), "default", view=dict)
        last = {**widget("last"), **owned("last", dependent | {"apiVersion": "v1", "kind": "ConfigMap"})}
        await cluster.client.create(WIDGETS, last, "default", view=dict)
        await cluster.settle()
        await cluster.client.delete(WIDGETS, "w", "default")
        await cluster.advance(5)
        assert (await cluster.client.list(CONFIG_MAPS, "default", view=dict)).items == []
        assert (await cluster.client.list(WIDGETS, "default", view=dict)).items == []


async def test_a_namespace_is_emptied_of_them(server: Server) -> None:
    cluster = Cluster(server)
    async with cluster.running(namespace.CONTROLLER):
        await established(server, definition())
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "away"}}, view=dict)
        await cluster.client.create(WIDGETS, widget(), "away", view=dict)
        await cluster.client.delete(NAMESPACES, "away")
        await cluster.advance(10)
        left = (await cluster.client.list(NAMESPACES, view=dict)).items
        assert "away" not in [each["metadata"]["name"] for each in left]
