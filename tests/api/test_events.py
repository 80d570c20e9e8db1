"""Events in both groups: one storage, two shapes, each with its own names of the same fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.harness import STRATEGIC, Server
from tests.api.objects import event

CORE = "/api/v1/namespaces/default/events"
NEW = "/apis/events.k8s.io/v1/namespaces/default/events"


def new(name: str, about: str = "web", **labels: str) -> dict[str, Any]:
    return event(name, about, labels=labels)


def old(name: str, about: str = "web", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": about},
        "reason": "Killing",
        "message": "it ends",
        "type": "Warning",
        "source": {"component": "kubelet", "host": "n"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:01:00Z",
        "count": 3,
    }


@pytest.fixture
async def told(server: Server) -> Server:
    """Two events written in each group."""
    for path, body in ((NEW, new("n1")), (NEW, new("n2", "db")), (CORE, old("o1")), (CORE, old("o2", "db"))):
        assert (await server.post(path, body)).status == 201
    return server


@pytest.mark.parametrize(
    ("path", "selector", "names"),
    [
        pytest.param(CORE, "involvedObject.name=web", ["n1", "o1"], id="about whom"),
        pytest.param(NEW, "regarding.name=web", ["n1", "o1"], id="about whom, newer"),
        pytest.param(CORE, "reportingComponent=example.com/c", ["n1", "n2"], id="by whom"),
        pytest.param(NEW, "reportingController=example.com/c", ["n1", "n2"], id="by whom, newer"),
        pytest.param(CORE, "source=kubelet", ["o1", "o2"], id="source"),
        pytest.param(CORE, "source=example.com/c", ["n1", "n2"], id="source of what has none"),
        pytest.param(NEW, "reason=Killing,type!=Normal,regarding.kind=Pod", ["o1", "o2"], id="several"),
        pytest.param(NEW, "metadata.name=o1", ["o1"], id="by name"),
    ],
)
async def test_events_are_found_in_both_groups_whoever_wrote_them(
    told: Server, path: str, selector: str, names: list[str]
) -> None:
    found = await told.get(path, fieldSelector=selector)
    assert [item["metadata"]["name"] for item in found.body["items"]] == names
    everywhere = await told.get(path.replace("/namespaces/default", ""), fieldSelector=selector)
    assert len(everywhere.body["items"]) == len(names)
    stream = await told.watch(path, fieldSelector=selector)
    assert stream.brief() == [("ADDED", name) for name in names]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (CORE, "regarding.name"),
        (CORE, "reportingController"),
        (NEW, "involvedObject.name"),
        (NEW, "reportingComponent"),
        (NEW, "source"),
        (NEW, "note"),
    ],
)
async def test_names_are_of_one_group(told: Server, path: str, field: str) -> None:
    refused = await told.get(path, fieldSelector=f"{field}=x")
    assert (refused.status, refused.body["message"]) == (400, f"field label not supported: {field}")


async def test_an_old_event_in_the_newer_shape(told: Server) -> None:
    found = (await told.get(f"{NEW}/o1")).body
    assert (found["deprecatedCount"], found["deprecatedSource"]) == (3, {"component": "kubelet", "host": "n"})
    assert (found["deprecatedFirstTimestamp"], found["deprecatedLastTimestamp"]) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:01:00Z",
    )
    assert (found["note"], found["regarding"]["name"]) == ("it ends", "web")


async def test_what_goes_on_is_a_series_in_both_groups(told: Server) -> None:
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:02:00.000000Z"}
    patched = await told.patch(f"{NEW}/n1", {"series": series}, STRATEGIC)
    assert (patched.status, patched.body["series"]) == (200, series)
    assert (await told.get(f"{CORE}/n1")).body["series"] == series
    counted = await told.patch(f"{CORE}/o1", {"count": 4, "lastTimestamp": "2026-01-01T00:03:00Z"}, STRATEGIC)
    assert counted.body["count"] == 4
    assert (await told.get(f"{NEW}/o1")).body["deprecatedCount"] == 4


async def test_a_collection_goes_by_its_labels(server: Server) -> None:
    for name in ("a", "b"):
        await server.post(NEW, new(name, set="yes"))
    await server.post(CORE, old("c", set="yes"))
    await server.post(CORE, old("d"))
    gone = await server.delete(NEW, labelSelector="set=yes", fieldSelector="regarding.kind=Pod")
    assert (gone.status, sorted(item["metadata"]["name"] for item in gone.body["items"])) == (200, ["a", "b", "c"])
    assert [item["metadata"]["name"] for item in (await server.get(CORE)).body["items"]] == ["d"]
