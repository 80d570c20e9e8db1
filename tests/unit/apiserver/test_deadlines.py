from __future__ import annotations

from knarr.apiserver.deadlines import Deadlines
from tests.api.harness import VirtualClock


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
