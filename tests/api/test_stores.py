"""The same journeys over every store: what a client sees does not tell which one it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.harness import Server
from tests.stores import ENGINES, open_store

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(params=ENGINES)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    running = Server(store=await open_store(tmp_path, engine=request.param))
    await running.cache.start()
    await running.post("/api/v1/namespaces", {"metadata": {"name": "default"}})
    yield running
    running.api.close()
    await running.cache.stop()
    await running.store.close()


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"metadata": {"name": name, "labels": {"app": name}}, "data": data}


async def test_of_many_who_patch_the_same_nobody_loses_again_and_again(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("a"))

    async def write(writer: int) -> None:
        for n in range(20):
            answer = await server.patch(f"{CONFIG_MAPS}/a", {"data": {f"{writer}-{n}": "x"}})
            assert answer.status == 200, answer.body
            await asyncio.sleep(0.001)  # as over a network: who has just won comes back a little later

    await asyncio.gather(*(write(writer) for writer in range(8)))
    assert len((await server.get(f"{CONFIG_MAPS}/a")).body["data"]) == 160


async def test_a_life(server: Server) -> None:
    created = (await server.post(CONFIG_MAPS, config_map("a", k="1"))).body
    assert (await server.post(CONFIG_MAPS, config_map("a"))).status == 409
    stale = {**created, "data": {"k": "2"}}
    updated = await server.put(f"{CONFIG_MAPS}/a", stale)
    assert updated.status == 200
    assert (await server.put(f"{CONFIG_MAPS}/a", {**stale, "data": {}})).status == 409
    again = (await server.put(f"{CONFIG_MAPS}/a", {**updated.body})).body
    assert again["metadata"]["resourceVersion"] == updated.body["metadata"]["resourceVersion"], "nothing has changed"
    assert (await server.patch(f"{CONFIG_MAPS}/a", {"data": {"k": "3"}})).body["data"] == {"k": "3"}
    assert (await server.get(f"{CONFIG_MAPS}/a")).body["data"] == {"k": "3"}
    assert (await server.delete(f"{CONFIG_MAPS}/a")).status == 200
    assert (await server.get(f"{CONFIG_MAPS}/a")).status == 404


async def test_a_watch_from_the_past_to_the_future(server: Server) -> None:
    start = (await server.get(CONFIG_MAPS)).body["metadata"]["resourceVersion"]
    await server.post(CONFIG_MAPS, config_map("a"))
    await server.patch(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"app": "b"}}})
    stream = await server.watch(CONFIG_MAPS, resourceVersion=start)
    chosen = await server.watch(CONFIG_MAPS, resourceVersion=start, labelSelector="app=a")
    await server.delete(f"{CONFIG_MAPS}/a")
    events = stream.take()
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    revisions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert revisions == list(range(int(start) + 1, int(start) + 4))
    assert chosen.brief() == [("ADDED", "a"), ("DELETED", "a")]


async def test_pages_of_one_moment(server: Server) -> None:
    names = [f"c{n}" for n in range(5)]
    for name in names:
        await server.post(CONFIG_MAPS, config_map(name))
    first = (await server.get(CONFIG_MAPS, limit="2")).body
    assert first["metadata"]["remainingItemCount"] == 3
    for name in names:
        await server.delete(f"{CONFIG_MAPS}/{name}")
    token = first["metadata"]["continue"]
    rest = (await server.get(CONFIG_MAPS, limit="9", **{"continue": token})).body
    assert [item["metadata"]["name"] for item in first["items"] + rest["items"]] == names
    await server.store.compact(await server.store.revision())
    assert (await server.get(CONFIG_MAPS, limit="9", **{"continue": token})).status == 410


async def test_what_was_stored_is_served_by_the_next_server(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("a", k="1"))
    before = (await server.get(CONFIG_MAPS)).body
    server.api.close()
    await server.cache.stop()
    server.restart()
    await server.cache.start()
    assert (await server.get(CONFIG_MAPS)).body == before
