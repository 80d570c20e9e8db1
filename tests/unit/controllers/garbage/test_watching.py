"""Which resources the collector watches: all that can be deleted, also those that come later."""

from __future__ import annotations

from knarr.client.objects import JSON
from knarr.client.resources import CONFIG_MAPS, Resource
from knarr.controllers import garbagecollector
from tests.unit.controllers.bench import Bench

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
GONE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "gone"}


def entry(resource: Resource, verbs: str) -> JSON:
    return {
        "resource": resource.plural,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "verbs": verbs.split(),
        "responseKind": {"kind": resource.kind},
    }


def serve(bench: Bench, *resources: Resource, verbs: str = "delete list watch") -> None:
    """Discovery tells of these."""
    for path, core in (("/api", True), ("/apis", False)):
        groups = [
            {
                "metadata": {"name": r.group},
                "versions": [{"version": r.version, "resources": [entry(r, verbs)]}],
            }
            for r in resources
            if core is not bool(r.group)
        ]
        bench.api.put(path, {"items": groups})


def watched(bench: Bench) -> set[str]:
    return {path.partition("?")[0] for path in bench.api.reads if "watch=true" in path}


async def test_all_that_can_be_deleted_is_watched_but_events() -> None:
    bench = Bench(garbagecollector.CONTROLLER)
    serve(bench, CONFIG_MAPS, EVENTS)
    async with bench.running():
        assert watched(bench) == {"/api/v1/configmaps"}


async def test_what_cannot_be_deleted_is_not_watched() -> None:
    bench = Bench(garbagecollector.CONTROLLER)
    serve(bench, CONFIG_MAPS, verbs="get list watch")
    async with bench.running():
        assert watched(bench) == set()


async def test_resources_that_come_later_are_found_when_a_definition_comes() -> None:
    bench = Bench(garbagecollector.CONTROLLER)
    serve(bench, CONFIG_MAPS, DEFINITIONS)
    async with bench.running():
        await bench.advance(3600)
        assert bench.api.reads.count("/apis") == 1
        serve(bench, CONFIG_MAPS, DEFINITIONS, WIDGETS)
        bench.put(WIDGETS, "orphan", metadata={"ownerReferences": [GONE]})
        bench.put(DEFINITIONS, "widgets.example.com", "")
        await bench.advance(1)
        assert "/apis/example.com/v1/widgets" in watched(bench)
        assert bench.done == ["DELETE widgets/orphan"]


async def test_resources_that_go_are_no_longer_watched() -> None:
    bench = Bench(garbagecollector.CONTROLLER)
    serve(bench, CONFIG_MAPS, DEFINITIONS, WIDGETS)
    bench.put(WIDGETS, "one")
    async with bench.running():
        serve(bench, CONFIG_MAPS, DEFINITIONS)
        bench.put(DEFINITIONS, "widgets.example.com", "")
        await bench.advance(1)
        open_streams = {s.path for s in bench.api.streams if s.status}
        assert open_streams == {CONFIG_MAPS.path(), DEFINITIONS.path()}


async def test_work_begins_although_a_resource_cannot_be_listed() -> None:
    bench = Bench(garbagecollector.CONTROLLER)
    serve(bench, CONFIG_MAPS, WIDGETS)
    bench.put(CONFIG_MAPS, "orphan", metadata={"ownerReferences": [GONE]})
    bench.api.fail("GET", WIDGETS.path(), ConnectionError("out"), times=1000)
    async with bench.running(settled=False):
        for _ in range(3):
            assert bench.done == []
            await bench.clock.advance(10)
        assert bench.done == ["DELETE configmaps/orphan"]
