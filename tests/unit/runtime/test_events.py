"""What users read under Events: one line for what repeats, and no flood."""

from __future__ import annotations

import pytest

from knarr.client.client import Client
from knarr.client.objects import Meta, Object
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Cause, Forbidden
from knarr.runtime.events import EventRecorder
from tests.unit.fake_api import JSON, FakeAPI

WEB = Object(api_version="v1", kind="Pod", metadata=Meta(name="web", namespace="shop", uid="u1", resource_version="7"))


class Recorded:
    def __init__(self) -> None:
        self.api, self.clock = FakeAPI(), VirtualClock()
        self.recorder = EventRecorder(Client(self.api), self.clock, "kubelet", "node-1")

    async def events(self) -> list[JSON]:
        await self.recorder.flush()
        return [*self.api.objects.values()]

    async def told(self) -> list[tuple[str, int]]:
        return [(e["message"], e["count"]) for e in await self.events()]


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


async def test_an_event_as_it_is_written(recorded: Recorded) -> None:
    recorded.recorder.event(WEB, "Normal", "Pulled", "got it")
    (event,) = await recorded.events()
    assert event.pop("metadata") == {
        "name": "web.18867251edfa0000",
        "namespace": "shop",
        "uid": "uid-1",
        "resourceVersion": "1",
    }
    assert event == {
        "kind": "Event",
        "apiVersion": "v1",
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": "web",
            "namespace": "shop",
            "resourceVersion": "7",
            "uid": "u1",
        },
        "type": "Normal",
        "reason": "Pulled",
        "message": "got it",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
        "reportingComponent": "kubelet",
        "reportingInstance": "node-1",
    }


async def test_the_same_again_is_counted(recorded: Recorded) -> None:
    for _ in range(3):
        recorded.recorder.event(WEB, "Normal", "Pulled", "got it")
        await recorded.recorder.flush()
        await recorded.clock.advance(60)
    (event,) = await recorded.events()
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        3, "2026-01-01T00:00:00Z", "2026-01-01T00:02:00Z",
    )  # fmt: skip


async def test_a_series_that_expired_goes_on_under_a_new_name(recorded: Recorded) -> None:
    recorded.recorder.event(WEB, "Normal", "Pulled", "got it")
    await recorded.recorder.flush()
    recorded.api.remove(next(iter(recorded.api.objects)))
    recorded.recorder.event(WEB, "Normal", "Pulled", "got it")
    assert await recorded.told() == [("got it", 2)]


async def test_similar_ones_are_combined(recorded: Recorded) -> None:
    for number in range(12):
        recorded.recorder.event(WEB, "Warning", "Failed", f"try {number}")
    told = await recorded.told()
    assert told == [(f"try {n}", 1) for n in range(9)] + [("(combined from similar events): try 11", 3)]


async def test_similar_ones_long_apart_are_not(recorded: Recorded) -> None:
    for number in range(12):
        recorded.recorder.event(WEB, "Warning", "Failed", f"try {number}")
        await recorded.recorder.flush()
        await recorded.clock.advance(601)
    assert await recorded.told() == [(f"try {n}", 1) for n in range(12)]


async def test_a_flood_is_cut(recorded: Recorded) -> None:
    for number in range(40):
        recorded.recorder.event(WEB, "Normal", f"Reason{number}", "x")
    assert len(await recorded.events()) == 25
    await recorded.clock.advance(600)
    for number in range(5):
        recorded.recorder.event(WEB, "Normal", f"More{number}", "x")
    assert len(await recorded.events()) == 27


async def test_a_reference_will_do_and_nodes_events_are_in_default(recorded: Recorded) -> None:
    recorded.recorder.event({"kind": "Node", "name": "n1", "uid": "n1"}, "Normal", "Starting", "")
    (event,) = await recorded.events()
    assert (event["metadata"]["namespace"], event["involvedObject"]) == (
        "default", {"kind": "Node", "name": "n1", "uid": "n1"},
    )  # fmt: skip


async def test_an_unreachable_server_gets_it_later_a_refusal_is_final(recorded: Recorded) -> None:
    recorded.api.fail("POST", "events", ConnectionRefusedError("down"), times=2)
    recorded.recorder.event(WEB, "Normal", "First", "x")
    for _ in range(3):
        await recorded.clock.advance(10)
    assert await recorded.told() == [("x", 1)]
    recorded.api.fail("POST", "events", Forbidden("the namespace is going away"))
    recorded.recorder.event(WEB, "Normal", "Second", "y")
    assert await recorded.told() == [("x", 1)]


@pytest.mark.parametrize(
    ("causes", "heard"),
    [
        pytest.param([], ["event refused: Pulled: no"], id="no right"),
        pytest.param([Cause("NamespaceTerminating", "", "")], [], id="a namespace that goes away"),
    ],
)
async def test_of_events_that_are_refused_somebody_hears(
    recorded: Recorded, caplog: pytest.LogCaptureFixture, causes: list[Cause], heard: list[str]
) -> None:
    recorded.api.fail("POST", "events", Forbidden("no", causes=causes))
    recorded.recorder.event(WEB, "Normal", "Pulled", "x")
    assert await recorded.told() == []
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == heard
