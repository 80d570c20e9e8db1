"""The cache follows the server, through whatever happens to the connection between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import PODS
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Forbidden, Gone, ServiceUnavailable
from knarr.runtime.backoff import Backoff
from knarr.runtime.informer import Informer
from tests.unit.fake_api import JSON, FakeAPI

PATH = "/api/v1/namespaces/{}/pods/{}"


def put(api: FakeAPI, name: str, namespace: str = "default", **labels: str) -> JSON:
    return api.put(PATH.format(namespace, name), {"metadata": {"labels": labels}})


class Watched:
    """An informer of Pods, what its handler heard, and the server that it follows."""

    def __init__(self) -> None:
        self.api, self.clock, self.heard = FakeAPI(), VirtualClock(), list[str]()
        self.informer = Informer(
            Client(self.api),
            PODS,
            Object,
            clock=self.clock,
            backoff=Backoff(base=1, cap=4, jitter=0),
            indexes={"app": lambda o: filter(None, [o.metadata.labels.get("app")])},
        )
        self.informer.add_handler(self.hear)

    def hear(self, old: Object | None, new: Object | None) -> None:
        change = "added" if old is None else "deleted" if new is None else "changed"
        self.heard.append(f"{change} {(new or old or Object()).metadata.name}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.informer.run())
        await self.settle()
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def settle(self) -> None:
        await self.clock.advance(0)
        await self.clock.advance(0)

    def names(self) -> list[str]:
        return sorted(o.metadata.name for o in self.informer.list())

    def lists(self) -> int:
        return sum("watch=true" not in read for read in self.api.reads)


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_lists_then_follows(watched: Watched) -> None:
    put(watched.api, "a")
    async with watched.running():
        await watched.informer.wait_synced()
        put(watched.api, "b")
        put(watched.api, "a", app="web")
        await watched.settle()
        watched.api.remove(PATH.format("default", "b"))
        await watched.settle()
        assert watched.names() == ["a"]
        assert watched.heard == ["added a", "added b", "changed a", "deleted b"]


async def test_a_late_handler_hears_what_is_there(watched: Watched) -> None:
    put(watched.api, "a")
    async with watched.running():
        heard: list[str] = []
        watched.informer.add_handler(lambda old, new: heard.append(f"{old} {new and new.metadata.name}"))
        assert heard == ["None a"]


async def test_indexes_follow_changes(watched: Watched) -> None:
    put(watched.api, "a", app="web")
    put(watched.api, "b", "other", app="web")
    async with watched.running():
        assert [o.metadata.key for o in watched.informer.by_index("app", "web")] == ["default/a", "other/b"]
        assert [o.metadata.key for o in watched.informer.list("other")] == ["other/b"]
        put(watched.api, "a", app="db")
        watched.api.remove(PATH.format("other", "b"))
        await watched.settle()
        assert watched.informer.by_index("app", "web") == []
        assert [o.metadata.key for o in watched.informer.by_index("app", "db")] == ["default/a"]


def test_an_index_name_stands_for_one_function(watched: Watched) -> None:
    with pytest.raises(ValueError, match="index app of pods"):
        watched.informer.add_index("app", lambda o: ())


@pytest.mark.parametrize("how", [None, ConnectionResetError("gone away")], ids=["ended", "cut"])
async def test_a_broken_watch_is_resumed_without_a_list(watched: Watched, how: Exception | None) -> None:
    put(watched.api, "a")
    async with watched.running():
        watched.api.end_watches(how)
        put(watched.api, "b")
        await watched.settle()
        await watched.clock.advance(1)
        assert (watched.names(), watched.lists()) == (["a", "b"], 1)
        assert watched.heard == ["added a", "added b"]


async def test_gone_lists_anew_and_tells_the_differences(watched: Watched) -> None:
    put(watched.api, "stays")
    put(watched.api, "goes")
    put(watched.api, "changes")
    async with watched.running():
        watched.heard.clear()
        watched.api.end_watches()
        watched.api.remove(PATH.format("default", "goes"))
        put(watched.api, "changes", app="web")
        put(watched.api, "comes")
        watched.api.compacted = watched.api.version + 1
        watched.api.version += 1
        await watched.settle()
        await watched.clock.advance(10)
        assert watched.names() == ["changes", "comes", "stays"]
        assert watched.heard == ["deleted goes", "changed changes", "added comes"]


async def test_gone_within_a_watch_lists_anew(watched: Watched) -> None:
    async with watched.running():
        watched.api.send({"type": "ERROR", "object": Gone("too old").to_status()})
        watched.api.streams.clear()
        await watched.clock.advance(5)
        put(watched.api, "a")
        await watched.settle()
        assert (watched.names(), watched.lists()) == (["a"], 2)


async def test_bookmarks_move_the_place_to_resume_at(watched: Watched) -> None:
    async with watched.running():
        watched.api.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "41"}}})
        await watched.settle()
        watched.api.end_watches()
        await watched.clock.advance(1)
        assert "resourceVersion=41" in watched.api.reads[-1]
        assert watched.heard == []


async def test_an_unreachable_server_is_asked_less_and_less_often(watched: Watched) -> None:
    watched.api.fail("GET", "pods", ConnectionRefusedError("down"), times=5)
    async with watched.running():
        asked = [watched.lists()]
        for _ in range(4):
            await watched.clock.advance(4)
            asked.append(watched.lists())
        assert asked == [1, 3, 4, 5, 6]  # waits of 1, 2, 4, 4, 4 seconds
        assert watched.informer.synced


async def test_an_error_is_told_once(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.api.fail("GET", "pods", Forbidden("no"), times=3)
    watched.api.fail("GET", "pods", ServiceUnavailable("starting"), times=2)
    async with watched.running():
        await watched.clock.advance(60)
    told = [r.getMessage().partition(": ")[2] for r in caplog.records if r.levelname == "WARNING"]
    assert told == ["Forbidden: no", "ServiceUnavailable: starting"]
