"""What admission reads: decoded once, and never what it was before a change."""

from __future__ import annotations

from typing import Any

from tests.api.harness import Server
from tests.api.objects import CONFIG_MAPS, config_map

JSON = dict[str, Any]


def read(server: Server) -> JSON | None:
    return server.api.registry.get("", "configmaps", "default", "cm")


async def test_readers_share_a_tree_until_the_object_changes(server: Server) -> None:
    assert read(server) is None
    await server.post(CONFIG_MAPS, config_map(a="1"))
    first = read(server)
    assert first is read(server)
    assert [first] == list(server.api.registry.list("", "configmaps", "default"))
    changed = (await server.put(f"{CONFIG_MAPS}/cm", config_map(a="2"))).body
    assert read(server) == changed
    await server.delete(f"{CONFIG_MAPS}/cm")
    assert read(server) is None


async def test_what_is_large_is_not_kept(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map(a="x" * 20_000))
    first, second = read(server), read(server)
    assert first == second
    assert first is not second
