from __future__ import annotations

import pytest

from knarr.machinery.errors import APIError
from tests.api.harness import TABLE, Server
from tests.api.objects import CONFIG_MAPS, config_map


async def test_a_watch_begins_with_what_there_is(server: Server) -> None:
    made = (await server.post(CONFIG_MAPS, config_map(a="b"))).body
    stream = await server.watch(CONFIG_MAPS)
    assert stream.take() == [{"type": "ADDED", "object": made}]
    changed = (await server.patch(f"{CONFIG_MAPS}/cm", {"data": {"a": "c"}})).body
    await server.delete(f"{CONFIG_MAPS}/cm")
    modified, deleted = stream.take()
    assert modified == {"type": "MODIFIED", "object": changed}
    revision = str(server.cache.revision)
    gone = {**changed, "metadata": {**changed["metadata"], "resourceVersion": revision}}
    assert deleted == {"type": "DELETED", "object": gone}


async def test_a_watch_goes_on_from_a_version(server: Server) -> None:
    first = (await server.post(CONFIG_MAPS, config_map("a"))).body
    await server.post(CONFIG_MAPS, config_map("b"))
    stream = await server.watch(CONFIG_MAPS, resourceVersion=first["metadata"]["resourceVersion"])
    await server.post(CONFIG_MAPS, config_map("c"))
    assert stream.brief() == [("ADDED", "b"), ("ADDED", "c")]


async def test_a_version_that_is_no_longer_known_has_expired(server: Server) -> None:
    server.cache._keep = 3  # a short memory
    first = (await server.post(CONFIG_MAPS, config_map("a"))).body
    for n in range(10):
        await server.post(CONFIG_MAPS, config_map(f"x{n}"))
    stream = await server.watch(CONFIG_MAPS, resourceVersion=first["metadata"]["resourceVersion"])
    (event,) = stream.take()
    assert (event["type"], event["object"]["kind"]) == ("ERROR", "Status")
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith("too old resource version: ")
    assert stream.closed


async def test_objects_come_into_view_and_leave_it(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map(a="b"))
    stream = await server.watch(CONFIG_MAPS, labelSelector="seen=yes")
    seen = (await server.patch(f"{CONFIG_MAPS}/cm", {"metadata": {"labels": {"seen": "yes"}}})).body
    await server.patch(f"{CONFIG_MAPS}/cm", {"metadata": {"labels": {"seen": "no"}}})
    await server.patch(f"{CONFIG_MAPS}/cm", {"data": {"a": "c"}})
    added, deleted = stream.take()
    assert added == {"type": "ADDED", "object": seen}
    assert deleted["type"] == "DELETED"
    assert deleted["object"]["metadata"]["labels"] == {"seen": "yes"}


async def test_one_object_is_watched_by_its_name(server: Server) -> None:
    stream = await server.watch(CONFIG_MAPS, fieldSelector="metadata.name=b")
    for name in "abc":
        await server.post(CONFIG_MAPS, config_map(name))
    assert stream.brief() == [("ADDED", "b")]


async def test_one_object_is_watched_by_its_path(server: Server) -> None:
    path = f"{CONFIG_MAPS}/b".replace("/v1/", "/v1/watch/")
    stream = await server.watch(path)
    for name in "abc":
        await server.post(CONFIG_MAPS, config_map(name))
    assert stream.brief() == [("ADDED", "b")]
    with pytest.raises(APIError, match=r"fieldSelector metadata\.name doesn't match requested name"):
        await server.watch(path, fieldSelector="metadata.name=a")


async def test_initial_events_end_with_a_bookmark(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    stream = await server.watch(CONFIG_MAPS, **options)
    added, bookmark = stream.take()
    assert added["type"] == "ADDED"
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "ConfigMap"
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(server.cache.revision)
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_bookmarks_come_every_minute_and_at_the_end(server: Server) -> None:
    stream = await server.watch(CONFIG_MAPS, allowWatchBookmarks="true", timeoutSeconds="100")
    await server.post("/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
    await server.clock.advance(60)
    (bookmark,) = stream.take()
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(server.cache.revision)
    await server.clock.advance(40)
    assert [event["type"] for event in stream.take()] == ["BOOKMARK"]
    assert stream.closed


async def test_a_watch_without_bookmarks_just_ends(server: Server) -> None:
    stream = await server.watch(CONFIG_MAPS, timeoutSeconds="10")
    await server.clock.advance(10)
    assert (stream.closed, stream.take()) == (True, [])
    await server.post(CONFIG_MAPS, config_map())
    assert stream.take() == []


async def test_a_reader_that_is_too_slow_is_cut(server: Server) -> None:
    slow, quick = await server.watch(CONFIG_MAPS), await server.watch(CONFIG_MAPS)
    slow.waiting = 100 * 1024 * 1024
    await server.post(CONFIG_MAPS, config_map())
    assert (slow.aborted, slow.take()) == (True, [])
    assert quick.brief() == [("ADDED", "cm")]


async def test_tables_name_their_columns_once(server: Server) -> None:
    stream = await server.watch(CONFIG_MAPS, accept=TABLE)
    for name in "ab":
        await server.post(CONFIG_MAPS, config_map(name))
    first, second = (event["object"] for event in stream.take())
    assert first["columnDefinitions"][0]["name"] == "Name"
    assert second["columnDefinitions"] is None
    assert [table["rows"][0]["cells"][0] for table in (first, second)] == ["a", "b"]


async def test_watchers_of_the_same_form_share_frames(server: Server) -> None:
    streams = [await server.watch(CONFIG_MAPS) for _ in range(3)]
    await server.post(CONFIG_MAPS, config_map())
    assert len({bytes(stream.data) for stream in streams}) == 1
    assert len(server.api.registry.frames) == 1


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(
            {"sendInitialEvents": "true"},
            422,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            id="no match",
        ),
        pytest.param(
            {"resourceVersionMatch": "Exact", "resourceVersion": "1"},
            422,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            id="match",
        ),
        pytest.param({"accept": "application/yaml"}, 406, "application/json", id="yaml"),
    ],
)
async def test_refused(server: Server, options: dict[str, str], code: int, message: str) -> None:
    with pytest.raises(APIError) as refusal:
        await server.watch(CONFIG_MAPS, **options)
    assert refusal.value.code == code
    assert message in refusal.value.message


async def test_what_a_watch_begins_with_does_not_come_in_one_piece(server: Server) -> None:
    for n in range(30):
        await server.post(CONFIG_MAPS, config_map(f"cm-{n:02}", data="x" * 20_000))
    stream = await server.watch(CONFIG_MAPS)
    assert stream.largest < 100_000
    assert stream.brief() == [("ADDED", f"cm-{n:02}") for n in range(30)]
