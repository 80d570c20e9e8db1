"""Who is tried when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.scheduler.nodes import NodeInfo
from knarr.scheduler.pods import PodInfo
from knarr.scheduler.queue import SchedulingQueue
from tests.unit.scheduler.builders import node, pod


class Bench(SchedulingQueue):
    """A queue of Pods by name."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        super().__init__(self.clock)

    def add(self, name: str, priority: int = 0) -> PodInfo:
        made = pod(name, uid=name, priority=priority)
        self.put(made)
        return made

    async def take(self) -> str:
        """The Pod that is handed out now; empty if none is."""
        getting = asyncio.create_task(self.get())
        await self.clock.advance(0)
        if getting.done():
            return getting.result().pod.metadata.name
        getting.cancel()
        return ""

    async def take_all(self) -> list[str]:
        taken = []
        while name := await self.take():
            taken.append(name)
        return taken

    async def refuse(self, name: str, fits: bool = True) -> None:
        """Hand it out, and have it refused; afterwards a changed node does or does not help."""
        assert await self.take() == name
        self.refused(name, lambda _: fits)

    async def fail(self, name: str) -> None:
        assert await self.take() == name
        assert self.failed(name)


NODE: NodeInfo = node()


@pytest.fixture
async def queue() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.close()


async def test_the_most_important_first_then_the_longest_waiting(queue: Bench) -> None:
    queue.add("b")
    queue.add("high", 10)
    queue.add("a")
    queue.add("low", -1)
    assert await queue.take_all() == ["high", "b", "a", "low"]


async def test_get_waits_for_a_pod(queue: Bench) -> None:
    getting = asyncio.create_task(queue.get())
    await queue.clock.advance(1)
    assert not getting.done()
    added = queue.add("a")
    assert await getting is added


async def test_a_refused_pod_waits_until_a_changed_node_would_take_it(queue: Bench) -> None:
    queue.add("helped")
    queue.add("not")
    await queue.refuse("helped")
    await queue.refuse("not", fits=False)
    await queue.clock.advance(60)
    assert await queue.take() == ""
    queue.changed(NODE)
    assert await queue.take_all() == ["helped"]


async def test_at_the_latest_after_five_minutes(queue: Bench) -> None:
    for name in ("a", "b"):
        queue.add(name)
        await queue.refuse(name, fits=False)
        await queue.clock.advance(100)
    await queue.clock.advance(99)
    assert await queue.take_all() == []
    await queue.clock.advance(1)
    assert await queue.take_all() == ["a"]
    await queue.clock.advance(100)
    assert await queue.take_all() == ["b"]


async def test_five_minutes_since_the_last_refusal(queue: Bench) -> None:
    queue.add("a")
    await queue.refuse("a")
    await queue.clock.advance(200)
    queue.changed(NODE)
    await queue.refuse("a")
    await queue.clock.advance(299)
    assert await queue.take() == ""
    await queue.clock.advance(1)
    assert await queue.take() == "a"


async def test_a_woken_pod_backs_off_behind_those_that_are_ready(queue: Bench) -> None:
    queue.add("woken", 10)
    await queue.refuse("woken")
    queue.changed(NODE)
    queue.add("ready")
    assert await queue.take_all() == ["ready", "woken"]


async def test_after_its_back_off_it_takes_its_place_again(queue: Bench) -> None:
    queue.add("woken", 10)
    await queue.refuse("woken")
    queue.changed(NODE)
    queue.add("ready")
    await queue.clock.advance(1)
    assert await queue.take_all() == ["woken", "ready"]


async def test_a_back_off_that_is_over_before_it_is_woken(queue: Bench) -> None:
    queue.add("woken", 10)
    await queue.refuse("woken")
    queue.add("ready")
    await queue.clock.advance(1)
    queue.changed(NODE)
    assert await queue.take_all() == ["woken", "ready"]


async def test_errors_are_retried_after_ever_longer_back_offs(queue: Bench) -> None:
    queue.add("a")
    waits = []
    for _ in range(6):
        await queue.fail("a")
        queue.changed(NODE)  # which does not help against errors
        wait = 0
        while not len(queue._ready):
            await queue.clock.advance(1)
            wait += 1
        waits.append(wait)
    assert waits == [1, 2, 4, 8, 10, 10]


async def test_what_happens_while_a_pod_is_tried_is_not_lost(queue: Bench) -> None:
    queue.add("a")
    assert await queue.take() == "a"
    queue.changed(NODE)
    queue.refused("a", lambda _: False)
    assert await queue.take() == "a"


async def test_an_update_while_it_is_tried_is_not_lost(queue: Bench) -> None:
    queue.add("a")
    assert await queue.take() == "a"
    updated = queue.add("a")
    queue.refused("a", lambda _: False)
    assert await queue.get() is updated


async def test_an_update_of_a_refused_pod_has_it_tried_again(queue: Bench) -> None:
    queue.add("a")
    await queue.refuse("a", fits=False)
    updated = queue.add("a")
    assert await queue.get() is updated
    assert len(queue) == 0


async def test_an_update_of_a_ready_pod_replaces_it(queue: Bench) -> None:
    queue.add("a")
    queue.add("b")
    updated = queue.add("a")
    assert await queue.get() is updated
    assert await queue.take_all() == ["b"]


@pytest.mark.parametrize("state", ["ready", "refused", "woken", "failed", "trying"])
async def test_a_pod_that_is_gone_is_not_tried_again(queue: Bench, state: str) -> None:
    queue.add("a")
    if state != "ready":
        assert await queue.take() == "a"
    if state in ("refused", "woken"):
        queue.refused("a", lambda _: True)
    if state == "woken":
        queue.changed(NODE)
    if state == "failed":
        queue.failed("a")
    queue.remove("a")
    assert not queue.failed("a")
    queue.changed(NODE)
    await queue.clock.advance(400)
    assert await queue.take() == ""
    assert len(queue) == 0


async def test_a_pod_that_comes_anew_does_not_inherit_the_old_ones_back_off(queue: Bench) -> None:
    queue.add("a", 10)
    await queue.fail("a")
    queue.remove("a")
    queue.add("b")
    queue.add("a", 10)
    assert await queue.take_all() == ["a", "b"]


async def test_a_refused_pod_waits_behind_its_equals(queue: Bench) -> None:
    queue.add("old")
    await queue.refuse("old")
    await queue.clock.advance(5)
    queue.add("new")
    await queue.refuse("new")
    await queue.clock.advance(5)
    queue.changed(NODE)
    assert await queue.take_all() == ["old", "new"]


async def test_a_back_off_is_the_latest_attempts(queue: Bench) -> None:
    queue.add("a")
    await queue.fail("a")
    queue.add("a")
    await queue.fail("a")
    await queue.clock.advance(1)
    assert await queue.take() == ""
    await queue.clock.advance(1)
    assert await queue.take() == "a"


async def test_who_was_refused_again_has_lost_its_place(queue: Bench) -> None:
    queue.add("a")
    await queue.refuse("a")
    queue.changed(NODE)
    await queue.clock.advance(1)
    assert await queue.take() == "a"
    queue.add("b")
    await queue.refuse("b")
    await queue.clock.advance(0.5)
    queue.refused("a", lambda _: True)
    queue.changed(NODE)
    assert await queue.take_all() == ["b", "a"]
