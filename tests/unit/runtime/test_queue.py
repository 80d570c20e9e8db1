"""The queue's promises: fair, stingy, re-entrant, patient."""

from __future__ import annotations

import asyncio

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.runtime.queue import WorkQueue
from knarr.runtime.quiescence import Quiescence


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def queue(clock: VirtualClock) -> WorkQueue:
    return WorkQueue(clock)


async def drained(queue: WorkQueue) -> list[str]:
    keys = [await queue.get() for _ in range(len(queue))]
    for key in keys:
        queue.done(key)
    return keys


async def test_fair_and_stingy(queue: WorkQueue) -> None:
    for key in ("a", "b", "a", "c", "b"):
        queue.add(key)
    assert await drained(queue) == ["a", "b", "c"]


async def test_a_key_added_while_worked_on_waits_for_its_worker(queue: WorkQueue) -> None:
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(key)
    assert await drained(queue) == ["a"]


async def test_a_worker_waits_for_work(queue: WorkQueue) -> None:
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await worker == "a"


async def test_a_cancelled_worker_leaves_its_key_to_another(queue: WorkQueue) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await second == "a"


async def test_later_is_later(queue: WorkQueue, clock: VirtualClock) -> None:
    queue.add_after("b", 10)
    queue.add_after("a", 5)
    await clock.advance(4.9)
    assert len(queue) == 0
    await clock.advance(0.2)
    assert await drained(queue) == ["a"]
    await clock.advance(5)
    assert await drained(queue) == ["b"]
    queue.close()


@pytest.mark.parametrize(("first", "second"), [(5, 10), (10, 5)], ids=["sooner first", "later first"])
async def test_of_two_waits_the_shorter_counts(queue: WorkQueue, clock: VirtualClock, first: int, second: int) -> None:
    queue.add_after("a", first)
    queue.add_after("a", second)
    await clock.advance(5)
    assert await drained(queue) == ["a"]
    await clock.advance(5)
    assert await drained(queue) == []


async def test_no_wait_is_now(queue: WorkQueue) -> None:
    queue.add_after("a", 0)
    assert await drained(queue) == ["a"]


async def test_retries_wait_longer_until_forgotten(queue: WorkQueue) -> None:
    waits = [queue.retry("a") for _ in range(20)]
    assert waits[:4] == [0.005, 0.01, 0.02, 0.04]
    assert waits[-1] == 1000
    queue.forget("a")
    assert (queue.failures("a"), queue.retry("a")) == (0, 0.005)
    queue.close()


async def test_outstanding_is_what_waits_or_is_worked_on(clock: VirtualClock) -> None:
    quiescence = Quiescence()
    queue = WorkQueue(clock, quiescence)
    queue.add_after("later", 60)
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert quiescence.outstanding == 2
    queue.done(key)
    await drained(queue)
    assert quiescence.outstanding == 0
    await quiescence.quiet()
    queue.close()


async def test_quiet_waits_for_work_that_follows_from_work() -> None:
    quiescence, done = Quiescence(), []

    async def work(depth: int) -> None:
        await asyncio.sleep(0)
        done.append(depth)
        if depth:
            asyncio.get_running_loop().call_soon(begin, depth - 1)
        quiescence.end()

    tasks = []

    def begin(depth: int) -> None:
        quiescence.begin()
        tasks.append(asyncio.create_task(work(depth)))

    begin(3)
    await quiescence.quiet()
    assert done == [3, 2, 1, 0]
