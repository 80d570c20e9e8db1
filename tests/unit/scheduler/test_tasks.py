"""Requests under way."""

from __future__ import annotations

import asyncio

import pytest

from knarr.runtime.quiescence import Quiescence
from knarr.scheduler.tasks import Tasks


async def test_of_one_key_one_after_the_other() -> None:
    quiescence, said = Quiescence(), list[str]()
    tasks = Tasks(10, quiescence)
    first_may_end = asyncio.Event()

    async def first() -> None:
        await first_may_end.wait()
        said.append("first")

    async def say(word: str) -> None:
        said.append(word)

    tasks.start("a", first)
    tasks.start("a", lambda: say("second"))
    tasks.start("b", lambda: say("other"))
    await asyncio.sleep(0.001)
    assert said == ["other"]
    first_may_end.set()
    await quiescence.quiet()
    assert said == ["other", "first", "second"]


async def test_there_is_room_for_so_many() -> None:
    tasks, may_end = Tasks(2, Quiescence()), asyncio.Event()
    for key in "ab":
        tasks.start(key, may_end.wait)  # type: ignore[arg-type]
    waiting = asyncio.create_task(tasks.room())
    await asyncio.sleep(0.001)
    assert not waiting.done()
    may_end.set()
    await waiting


async def test_what_is_raised_is_logged_and_the_next_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    quiescence = Quiescence()
    tasks = Tasks(1, quiescence)

    async def fail() -> None:
        raise ValueError("what now?")

    tasks.start("a", fail)
    await quiescence.quiet()
    await tasks.room()
    assert "work for a failed" in caplog.text


async def test_closing_stops_what_runs_and_what_waits_for_it() -> None:
    quiescence = Quiescence()
    tasks = Tasks(10, quiescence)
    for _ in range(2):
        tasks.start("a", asyncio.Event().wait)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await tasks.close()
    assert quiescence.outstanding == 0
