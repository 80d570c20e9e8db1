"""Controllers at work: called for what changes, retried when they fail, told apart in log and counters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import NODES, PODS
from knarr.machinery.clock import VirtualClock
from knarr.machinery.figures import Figures
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, TerminalError, Watch
from knarr.runtime.manager import run_controllers
from knarr.runtime.quiescence import Quiescence
from tests.unit.fake_api import FakeAPI

NODE = "/api/v1/nodes/n"


class World:
    """One controller of Nodes, whose answers a test gives in advance."""

    def __init__(self) -> None:
        self.api, self.clock, self.figures, self.quiescence = FakeAPI(), VirtualClock(), Figures(), Quiescence()
        self.calls: list[str] = []
        self.answers: list[After | Exception | None] = []
        self.controller = Controller("test", (Watch(NODES, Object),), self.reconcile)

    async def reconcile(self, context: Context, key: str) -> After | None:
        self.calls.append(key)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    @asynccontextmanager
    async def running(self, *controllers: Controller) -> AsyncIterator[None]:
        task = asyncio.create_task(
            run_controllers(
                controllers or (self.controller,),
                Client(self.api),
                self.clock,
                component="manager",
                quiescence=self.quiescence,
                figures=self.figures,
            )
        )
        await asyncio.sleep(0)
        await self.quiescence.quiet()
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def world() -> World:
    return World()


async def test_called_for_what_is_there_and_what_changes(world: World) -> None:
    world.api.put(NODE, {})
    async with world.running():
        assert world.calls == ["n"]
        world.api.put(NODE, {"spec": {}})
        await world.quiescence.quiet()
        assert world.calls == ["n", "n"]


def of_its_replica_set(obj: Object) -> list[str]:
    owner = obj.metadata.controller
    return [f"{obj.metadata.namespace}/{owner.name}"] if owner and owner.kind == "ReplicaSet" else []


async def test_owners_are_called_for_their_objects(world: World) -> None:
    owner = {"kind": "ReplicaSet", "name": "web", "controller": True}
    watches = (Watch(NODES, Object), Watch(PODS, Object, of_its_replica_set))
    async with world.running(replace(world.controller, watches=watches)):
        world.api.put("/api/v1/namespaces/d/pods/a", {"metadata": {"ownerReferences": [owner]}})
        world.api.put("/api/v1/namespaces/d/pods/b", {"metadata": {"ownerReferences": [{**owner, "kind": "Job"}]}})
        await world.quiescence.quiet()
    assert world.calls == ["d/web"]


async def test_again_after_the_time_it_asked_for(world: World) -> None:
    world.api.put(NODE, {})
    world.answers = [After(30)]
    async with world.running():
        await world.clock.advance(29)
        assert len(world.calls) == 1
        await world.clock.advance(1)
        assert len(world.calls) == 2


async def test_failures_are_retried_and_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.api.put(NODE, {})
    world.answers = [ConnectionError("down"), ConnectionError("down"), ValueError("odd"), TerminalError("hopeless")]
    async with world.running():
        await world.clock.advance(1)
        assert len(world.calls) == 4
    told = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert told == [
        "test: n: ConnectionError: down (retrying in 0.005 s)",
        "test: n: ValueError: odd (retrying in 0.02 s)",
        "test: n: TerminalError: hopeless (given up)",
    ]


async def test_resync_calls_for_every_key(world: World) -> None:
    world.api.put(NODE, {})
    async with world.running(replace(world.controller, resync=60)):
        await world.clock.advance(120)
        assert world.calls == ["n"] * 3


async def test_controllers_share_a_cache(world: World) -> None:
    async with world.running(world.controller, replace(world.controller, name="other")):
        assert len([r for r in world.api.reads if "watch=true" not in r]) == 1


async def test_observers_and_contexts(world: World) -> None:
    seen: list[tuple[bool, bool]] = []
    watch = Watch(
        NODES,
        Object,
        keys=lambda o, context: (context.cache(NODES, Object).get(o.metadata.key).metadata.uid,),
        needs_context=True,
        observe=lambda context, old, new: seen.append((old is None, new is None)),
    )
    world.api.put(NODE, {})
    async with world.running(replace(world.controller, watches=(watch,))):
        assert (world.calls, seen) == (["uid-1"], [(True, False)])


async def test_figures_of_queues(world: World) -> None:
    world.api.put(NODE, {})
    world.answers = [ConnectionError("down"), ConnectionError("down"), None]
    async with world.running():
        await world.clock.advance(1)
        told = world.figures.render().decode().splitlines()
    assert [line for line in told if line[0] != "#" and "_bucket{" not in line] == [
        'workqueue_depth{name="test"} 0',
        'workqueue_adds_total{name="test"} 3',
        'workqueue_retries_total{name="test"} 2',
        'workqueue_queue_duration_seconds_sum{name="test"} 0',
        'workqueue_queue_duration_seconds_count{name="test"} 3',
        'workqueue_work_duration_seconds_sum{name="test"} 0',
        'workqueue_work_duration_seconds_count{name="test"} 3',
        'workqueue_unfinished_work_seconds{name="test"} 0',
        'workqueue_longest_running_processor_seconds{name="test"} 0',
    ]


async def test_changes_that_do_not_matter_call_nobody(world: World) -> None:
    def labels_changed(old: Object, new: Object) -> bool:
        return old.metadata.labels != new.metadata.labels

    watch = Watch(NODES, Object, matters=labels_changed)
    async with world.running(replace(world.controller, watches=(watch,))):
        for labels in ({}, {}, {"a": "b"}):
            world.api.put(NODE, {"metadata": {"labels": labels}})
            await world.quiescence.quiet()
        world.api.remove(NODE)
        await world.quiescence.quiet()
    assert world.calls == ["n", "n", "n"]  # it came, it changed, it went


async def test_what_runs_beside_the_workers_lends_caches_and_shares_the_memory(world: World) -> None:
    borrowed: list[bool] = []
    seen: list[set[str]] = []

    async def beside(context: Context) -> None:
        (_, kept), (pods, shared) = (context.borrow(resource, Object) for resource in (NODES, PODS))
        borrowed.extend((kept, shared))
        pods.add_handler(lambda old, new: context.enqueue("key"))
        context.memory(set).add("told")
        await pods.run()

    async def reconcile(context: Context, key: str) -> None:
        seen.append(context.memory(set))

    async with world.running(replace(world.controller, run=beside, reconcile=reconcile)):
        world.api.put("/api/v1/namespaces/d/pods/a", {})
        await world.quiescence.quiet()
    assert (borrowed, seen) == ([True, False], [{"told"}])
