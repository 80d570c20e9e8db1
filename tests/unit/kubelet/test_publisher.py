"""Statuses on their way to the API."""

from __future__ import annotations

from knarr.client.client import Client
from knarr.kubelet.publisher import StatusPublisher, patch_of
from knarr.machinery.clock import RealClock
from knarr.machinery.errors import ServiceUnavailable
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.pods import pod

PATH = "/api/v1/namespaces/shop/pods/web"


def sent(api: FakeAPI) -> list[object]:
    return [body["status"] for method, _, body in api.requests if method == "PATCH"]


def test_a_patch_has_what_changed_and_takes_back_what_is_gone() -> None:
    before = {"phase": "Pending", "reason": "Old", "podIPs": [{"ip": "10.0.0.1"}], "hostIP": "192.0.2.1"}
    now = {"phase": "Running", "podIPs": [{"ip": "10.0.0.2"}], "hostIP": "192.0.2.1"}
    assert patch_of(pod(), now, before) == {
        "metadata": {"uid": "u1"},
        "status": {"phase": "Running", "podIPs": [{"$patch": "replace"}, {"ip": "10.0.0.2"}], "reason": None},
    }


def test_the_reason_of_a_condition_does_not_outlive_its_status() -> None:
    before = {"conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}
    now = {"conditions": [{"type": "Ready", "status": "True"}]}
    (condition,) = patch_of(pod(), now, before)["status"]["conditions"]
    assert condition == {"type": "Ready", "status": "True", "reason": None, "message": None}


async def test_only_the_newest_of_those_that_wait_is_sent_and_nothing_twice() -> None:
    api = FakeAPI()
    api.put(PATH, {"metadata": {"uid": "u1"}})
    publisher = StatusPublisher(Client(api), RealClock())
    for phase in ("Pending", "Running"):
        publisher.publish(pod(), {"phase": phase})
    await publisher.flush("u1")
    publisher.publish(pod(), {"phase": "Running"})
    await publisher.flush("u1")
    assert sent(api) == [{"phase": "Running"}]


async def test_a_condition_that_somebody_else_has_changed_is_set_right() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    lost = {"conditions": [{"type": "Ready", "status": "False"}]}
    api = FakeAPI()
    api.put(PATH, {"metadata": {"uid": "u1"}})
    publisher = StatusPublisher(Client(api), RealClock())
    publisher.publish(pod(), ready)
    await publisher.flush("u1")
    revision = publisher.acknowledged["u1"]
    publisher.publish(pod(status=lost, resourceVersion=str(revision - 1)), ready)  # seen before ours, told after it
    await publisher.flush("u1")
    assert len(sent(api)) == 1
    publisher.publish(pod(status=lost, resourceVersion=str(revision + 1)), ready)
    await publisher.flush("u1")
    assert len(sent(api)) == 2


async def test_a_server_that_is_away_is_asked_again() -> None:
    api = FakeAPI()
    api.put(PATH, {"metadata": {"uid": "u1"}})
    api.fail("PATCH", PATH, ServiceUnavailable("away"))
    publisher = StatusPublisher(Client(api), RealClock())
    publisher.publish(pod(), {"phase": "Running"})
    await publisher.flush("u1")
    assert sent(api) == [{"phase": "Running"}, {"phase": "Running"}]


async def test_a_pod_that_is_gone_needs_no_status() -> None:
    api = FakeAPI()
    publisher = StatusPublisher(Client(api), RealClock())
    publisher.publish(pod(), {"phase": "Running"})
    await publisher.flush("u1")
    assert sent(api) == [{"phase": "Running"}]
