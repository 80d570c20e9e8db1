"""Dear work goes on in a thread, one at a time; cheap work stays where it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from knarr.apiserver.aside import HERE, Aside, UnansweredError, on_loop
from knarr.machinery.laborious import LaboriousError


def dear(units: int, then: threading.Event | None = None) -> Callable[[int | None], str]:
    """Work of so many units that names the thread in which it was done."""

    def work(here: int | None) -> str:
        if here is not None and here < units:
            raise LaboriousError
        if then:
            assert then.wait(10)
        return threading.current_thread().name

    return work


async def test_cheap_work_is_done_at_once() -> None:
    assert await Aside().do(dear(HERE)) == threading.main_thread().name


async def test_dear_work_does_not_hold_the_loop() -> None:
    release = threading.Event()
    aside = Aside()
    first = asyncio.create_task(aside.do(dear(HERE + 1, release)))
    second = asyncio.create_task(aside.do(dear(HERE + 1)))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not first.done() and not second.done()
    release.set()
    assert threading.main_thread().name not in (await first, await second)


async def test_whoever_goes_away_gives_no_turn_before_its_work_is_done() -> None:
    release, aside = threading.Event(), Aside()
    gone = asyncio.create_task(aside.do(dear(HERE + 1, release)))
    await asyncio.sleep(0)
    gone.cancel()
    waiting = asyncio.create_task(aside.do(dear(HERE + 1)))
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert not waiting.done()
    release.set()
    await waiting


async def test_what_only_the_loop_may_do_is_done_there() -> None:
    seen: list[str] = []

    def work(here: int | None) -> str:
        if here is not None:
            raise LaboriousError
        on_loop(lambda: seen.append(threading.current_thread().name))
        with pytest.raises(ValueError):
            on_loop(int, "nothing")
        return threading.current_thread().name

    assert await Aside().do(work) not in seen
    assert seen == [threading.main_thread().name]


async def test_work_begins_anew_when_its_question_is_answered() -> None:
    known: list[str] = []

    async def learn() -> None:
        known.append("yes")

    def work(here: int | None) -> str:
        if not known:
            raise UnansweredError(learn)
        return known[0]

    assert await Aside().do(work) == "yes"
