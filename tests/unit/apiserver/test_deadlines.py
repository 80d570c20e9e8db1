from __future__ import annotations

from knarr.apiserver.deadlines import Deadlines
from knarr.machinery.clock import VirtualClock


async def test_a_callback_may_ask_for_the_next() -> None:
    clock, called = VirtualClock(), list[float]()
    deadlines = Deadlines(clock)

    def tick() -> None:
        called.append(clock.monotonic())
        deadlines.after(2, tick)

    deadlines.after(2, tick)
    for _ in range(3):
        await clock.advance(2)
    assert called == [2, 4, 6]
    deadlines.close()
    await clock.advance(2)
    assert called == [2, 4, 6]


async def test_callbacks_come_in_their_time_and_once() -> None:
    clock, called = VirtualClock(), list[str]()
    deadlines = Deadlines(clock)
    deadlines.after(10, lambda: called.append("late"))
    deadlines.after(5, lambda: called.append("early"))
    deadlines.after(7, lambda: called.append("never")).cancel()
    await clock.advance(5)
    assert called == ["early"]
    await clock.advance(4)
    assert called == ["early"]
    await clock.advance(1)
    assert called == ["early", "late"]
    deadlines.after(1, lambda: called.append("again"))
    await clock.advance(1)
    assert called == ["early", "late", "again"]
    deadlines.close()
