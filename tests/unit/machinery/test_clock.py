"""The virtual clock: time passes when the test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from knarr.machinery.clock import RealClock, VirtualClock, at_most

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_sleepers_wake_in_order_at_their_own_time() -> None:
    clock = VirtualClock(START)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleeper("a", 3, 3))
        tasks.create_task(sleeper("b", 2, 2))
        await clock.advance(0)
        await clock.advance(5)
        assert woken == [("b", 2), ("a", 3), ("b", 4)]
        await clock.advance(1)
    assert (woken[3:], clock.now()) == ([("a", 6)], START + timedelta(seconds=6))


async def test_nobody_waits_for_a_sleeper_that_was_cancelled() -> None:
    clock = VirtualClock(START)
    task = asyncio.create_task(clock.sleep(5))
    await clock.advance(1)
    before = clock.next_wake
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (before, clock.next_wake) == (4, None)
    await clock.advance(10)


async def test_a_wait_ends_with_its_time_or_with_what_it_waits_for() -> None:
    clock, happened = VirtualClock(START), asyncio.Event()
    patient = asyncio.create_task(at_most(clock, 5, happened.wait()))
    impatient = asyncio.create_task(at_most(clock, 1, happened.wait()))
    await clock.advance(1)
    assert (impatient.done(), patient.done()) == (True, False)
    happened.set()
    await patient
    await clock.advance(0)
    assert clock.next_wake is None  # nobody is left who waits


async def test_no_time_is_no_sleep() -> None:
    await VirtualClock(START).sleep(0)
    await RealClock().sleep(0)


def test_the_real_clock_is_in_utc() -> None:
    assert RealClock().now().tzinfo is UTC
    assert RealClock().monotonic() <= RealClock().monotonic()
