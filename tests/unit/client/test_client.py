"""What goes over the wire for each verb, and what comes back as views, errors and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from knarr.client.client import Client, WatchEvent
from knarr.client.decoding import error_of, lines
from knarr.client.objects import Object
from knarr.client.resources import NODES, PODS
from knarr.machinery.errors import APIError, Conflict, Gone, NotFound, ServiceUnavailable, TooManyRequests
from knarr.wire.messages import Request, Response
from tests.unit.fake_api import FakeAPI

WEB = "/api/v1/namespaces/default/pods/web"


@pytest.fixture
def api() -> FakeAPI:
    return FakeAPI()


@pytest.fixture
def client(api: FakeAPI) -> Client:
    return Client(api)


async def test_get_decodes_through_the_view(api: FakeAPI, client: Client) -> None:
    api.put(WEB, {"metadata": {"labels": {"app": "web"}}, "spec": {"anything": 1}})
    pod = await client.get(PODS, "web", "default", view=Object)
    assert (pod.metadata.key, pod.metadata.labels) == ("default/web", {"app": "web"})


async def test_get_as_plain_json(api: FakeAPI, client: Client) -> None:
    api.put(WEB, {"spec": {"anything": 1}})
    assert (await client.get(PODS, "web", "default", view=dict))["spec"] == {"anything": 1}


async def test_list_asks_as_told_and_names_the_kind_of_items(api: FakeAPI, client: Client) -> None:
    api.put(WEB, {})
    found = await client.list(
        PODS, view=Object, label_selector="app in (a,b)", field_selector="spec.nodeName=n", limit=5
    )
    assert [(o.kind, o.api_version, o.metadata.name) for o in found.items] == [("Pod", "v1", "web")]
    assert (found.resource_version, found.continue_token) == ("1", "")
    assert api.reads == ["/api/v1/pods?labelSelector=app+in+%28a%2Cb%29&fieldSelector=spec.nodeName%3Dn&limit=5"]


async def test_writes(api: FakeAPI, client: Client) -> None:
    created = await client.create(PODS, {"metadata": {"name": "web"}}, "default")
    await client.update(PODS, {"metadata": {"name": "web"}, "status": {}}, "web", "default", subresource="status")
    await client.patch(PODS, "web", {"metadata": {"labels": {"a": "b"}}}, "default", kind="strategic")
    await client.delete(PODS, "web", "default", grace=0, propagation="Background", uid="u", resource_version="7")
    assert created.metadata.uid == "uid-1"
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web"}}
    assert api.requests == [
        ("POST", "/api/v1/namespaces/default/pods", pod),
        ("PUT", f"{WEB}/status", {**pod, "status": {}}),
        ("PATCH", WEB, {"metadata": {"labels": {"a": "b"}}}),
        (
            "DELETE",
            WEB,
            {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "gracePeriodSeconds": 0,
                "propagationPolicy": "Background",
                "preconditions": {"uid": "u", "resourceVersion": "7"},
            },
        ),
    ]


async def test_cluster_scoped_paths_have_no_namespace(api: FakeAPI, client: Client) -> None:
    await client.create(NODES, {"metadata": {"name": "n1"}})
    assert list(api.objects) == ["/api/v1/nodes/n1"]


async def test_a_refusal_is_raised_as_what_it_is(client: Client) -> None:
    with pytest.raises(NotFound, match="not found"):
        await client.get(PODS, "web", "default", view=Object)


async def test_an_unreachable_server_is_a_connection_error(api: FakeAPI, client: Client) -> None:
    api.fail("GET", "pods", ConnectionRefusedError("nobody there"))
    with pytest.raises(ConnectionError):
        await client.get(PODS, "web", "default", view=Object)


async def test_watch_delivers_views_and_bookmarks(api: FakeAPI, client: Client) -> None:
    api.put(WEB, {})
    api.remove(WEB)
    seen: list[WatchEvent[Object]] = []
    async for event in client.watch(PODS, view=Object, resource_version="0", timeout=60):
        seen.append(event)
        if len(seen) == 2:
            api.send({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "9"}}})
            api.end_watches()
    assert [(e.type, e.object.metadata.resource_version) for e in seen] == [
        ("ADDED", "2"),  # the fake keeps one tree for an object and its deletion
        ("DELETED", "2"),
        ("BOOKMARK", "9"),
    ]
    assert "allowWatchBookmarks=true&resourceVersion=0&timeoutSeconds=60" in api.reads[0]


async def test_watch_of_a_compacted_revision_is_gone(api: FakeAPI, client: Client) -> None:
    api.compacted = 5
    with pytest.raises(Gone, match="too old resource version: 1"):
        await anext(client.watch(PODS, view=Object, resource_version="1"))


async def test_an_error_event_is_raised(api: FakeAPI, client: Client) -> None:
    watch = client.watch(PODS, view=Object, resource_version="0")
    api.put(WEB, {})
    await anext(watch)
    api.send({"type": "ERROR", "object": Gone("the watch is over").to_status()})
    with pytest.raises(Gone, match="the watch is over"):
        await anext(watch)


@pytest.mark.parametrize(
    ("chunks", "frames"),
    [
        pytest.param([b"one\ntwo\n"], [b"one", b"two"], id="several in a chunk"),
        pytest.param([b"o", b"n", b"e\ntw", b"o\n"], [b"one", b"two"], id="split anywhere"),
        pytest.param([b"\n\none\r\n"], [b"one"], id="blank lines"),
        pytest.param([b"one"], [b"one"], id="no newline at the end"),
        pytest.param([], [], id="nothing"),
    ],
)
async def test_lines(chunks: list[bytes], frames: list[bytes]) -> None:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    assert [frame async for frame in lines(arriving())] == frames


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        pytest.param(409, Conflict("modified").to_status(), Conflict, "modified", id="a Status"),
        pytest.param(503, "upstream is down\n", ServiceUnavailable, "upstream is down", id="a proxy's words"),
        pytest.param(429, "", TooManyRequests, "the server answered with status 429", id="no body"),
        pytest.param(418, "", APIError, "the server answered with status 418", id="a code without a class"),
    ],
)
def test_error_of(status: int, body: object, kind: type[APIError], message: str) -> None:
    error = error_of(status, body.encode() if isinstance(body, str) else msgspec.json.encode(body))
    assert (type(error), error.message, error.code) == (kind, message, status)


def test_retry_after_of_the_header_is_kept() -> None:
    assert error_of(429, b"slow down", "3").retry_after == 3


async def test_a_watch_that_its_server_forgot_ends(
    api: FakeAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knarr.client.client._GRACE", -0.99)
    with pytest.raises(TimeoutError):
        await anext(client.watch(PODS, view=Object, resource_version="0", timeout=1))


async def test_a_server_that_does_not_answer_is_given_up(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silence(request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(api, "request", silence)
    with pytest.raises(TimeoutError):
        await Client(api, patience=0.01).get(PODS, "web", "default", view=Object)


async def test_what_is_not_of_the_api_counts_as_a_broken_connection(api: FakeAPI, client: Client) -> None:
    api.put(WEB, {"kind": ["Pod"]})
    with pytest.raises(ConnectionError, match="the server's answer is no Object"):
        await client.get(PODS, "web", "default", view=Object)


async def test_a_burst_is_sent_a_few_at_a_time(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, under_way, most = api.request, 0, 0

    async def counting(request: Request) -> Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await answer(request)
        finally:
            under_way -= 1

    monkeypatch.setattr(api, "request", counting)
    client = Client(api, turns=asyncio.Semaphore(3))
    await asyncio.gather(*(client.create(NODES, {"metadata": {"name": f"n{i}"}}) for i in range(20)))
    assert (len(api.objects), most) == (20, 3)
