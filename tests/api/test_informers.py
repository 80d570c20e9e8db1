"""Caches of a real API: they live through its restarts and through compaction."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from knarr.client.objects import Object
from knarr.client.resources import CONFIG_MAPS
from knarr.runtime.backoff import Backoff
from knarr.runtime.informer import Informer
from tests.api.cluster import Cluster
from tests.api.harness import Server, settle


async def test_an_informer_lives_through_a_restart_of_the_server(server: Server) -> None:
    cluster = Cluster(server)
    heard: list[str] = []
    informer = Informer(
        cluster.client, CONFIG_MAPS, Object, clock=server.clock, backoff=Backoff(base=0.1, cap=1), namespace="default"
    )
    informer.add_handler(
        lambda old, new: heard.append(f"{'+' if new else '-'}{(new or old or Object()).metadata.name}")
    )
    task = asyncio.create_task(informer.run())
    await informer.wait_synced()
    await server.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "before"}})
    await settle()
    server.api.close()
    await server.cache.stop()
    server.restart()
    await server.cache.start()
    await cluster.client.close()  # what the end of a process does to its connections
    await server.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "after"}})
    await server.delete("/api/v1/namespaces/default/configmaps/before")
    for _ in range(5):
        await server.clock.advance(1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert heard == ["+before", "+after", "-before"]
    assert [o.metadata.name for o in informer.list()] == ["after"]
