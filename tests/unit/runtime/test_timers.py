from __future__ import annotations

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.runtime.timers import Timers


async def test_a_callback_may_ask_for_the_next() -> None:
    clock, called = VirtualClock(), list[float]()
    timers = Timers(clock)

    def tick() -> None:
        called.append(clock.monotonic())
        timers.after(2, tick)

    timers.after(2, tick)
    for _ in range(3):
        await clock.advance(2)
    assert called == [2, 4, 6]
    timers.close()
    await clock.advance(2)
    assert called == [2, 4, 6]


async def test_callbacks_come_in_their_time_and_once() -> None:
    clock, called = VirtualClock(), list[str]()
    timers = Timers(clock)
    timers.after(10, lambda: called.append("late"))
    timers.after(5, lambda: called.append("early"))
    timers.after(7, lambda: called.append("never")).cancel()
    await clock.advance(5)
    assert called == ["early"]
    await clock.advance(4)
    assert called == ["early"]
    await clock.advance(1)
    assert called == ["early", "late"]
    timers.after(1, lambda: called.append("again"))
    await clock.advance(1)
    assert called == ["early", "late", "again"]
    timers.close()


async def test_a_callback_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    clock, called = VirtualClock(), list[str]()
    timers = Timers(clock)
    timers.after(1, lambda: called.remove("what is not there"))
    timers.after(1, lambda: called.append("next"))
    await clock.advance(1)
    assert (called, [record.message for record in caplog.records]) == (["next"], ["what was due failed"])
