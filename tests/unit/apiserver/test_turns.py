from __future__ import annotations

import asyncio

import pytest

from knarr.apiserver.turns import Turns


async def worker(turns: Turns, name: str, done: list[str], work: asyncio.Event) -> None:
    async with turns.turn("k"):
        await work.wait()
        done.append(name)


async def begun(turns: Turns, names: str, done: list[str], work: asyncio.Event) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(worker(turns, name, done, work)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_first_come_first_served_and_nothing_is_left() -> None:
    turns, work, done = Turns(), asyncio.Event(), list[str]()
    tasks = await begun(turns, "abc", done, work)
    assert turns.taken("k") and not turns.taken("other")
    work.set()
    await asyncio.gather(*tasks)
    assert (done, turns.taken("k")) == (["a", "b", "c"], False)


async def test_who_gives_up_waiting_is_passed_over() -> None:
    turns, work, done = Turns(), asyncio.Event(), list[str]()
    tasks = await begun(turns, "abc", done, work)
    tasks[1].cancel()
    await asyncio.sleep(0)
    work.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (done, turns.taken("k")) == (["a", "c"], False)


async def test_who_has_waited_too_long_goes_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knarr.apiserver.turns.PATIENCE", 0.01)
    turns, first, done = Turns(), asyncio.Event(), list[str]()
    (slow,) = await begun(turns, "a", done, first)
    second = asyncio.Event()
    second.set()
    await asyncio.gather(*await begun(turns, "bc", done, second))
    first.set()
    await slow
    assert (sorted(done[:2]), done[2], turns.taken("k")) == (["b", "c"], "a", False)
