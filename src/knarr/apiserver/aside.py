"""Expressions that take long, kept off the event loop: others' requests are not to wait for them.

A unit of cost takes Python 40 to 800 ns, so that what upstream's limits allow one expression may take most of a second.
What is cheap, as nearly all is, is evaluated where it is asked for. What turns out to be dear is stopped, and begun
anew in a thread, which the interpreter interrupts every few milliseconds for the loop. One at a time: more threads
would only keep the loop waiting longer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from knarr.machinery.laborious import LaboriousError

HERE = 10_000  # cost units of expressions that are evaluated on the loop at a time: 0.4 to 8 ms
_PATIENCE = 60.0  # real seconds that a thread waits for the loop

T = TypeVar("T")
P = ParamSpec("P")

_loops = threading.local()  # of each thread that works aside, whose loop it does so for


class UnansweredError(Exception):
    """The work needs to know first what somebody else has to be asked: it is begun anew after `answer`."""

    def __init__(self, answer: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.answer = answer


class Aside:
    """Does work here, or aside; `work` is told how many cost units it may take here, or None for whatever it takes."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def do(self, work: Callable[[int | None], T]) -> T:
        """What `work` returns or raises. It may be called several times."""
        while True:
            try:
                return await self._attempt(work)
            except UnansweredError as question:
                await question.answer()

    async def _attempt(self, work: Callable[[int | None], T]) -> T:
        try:
            return work(HERE)
        except LaboriousError:
            pass
        await self._turn.acquire()
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(None, _run, loop, work)
        running.add_done_callback(self._done)
        return await asyncio.shield(running)  # which goes on when nobody waits for it any more

    def _done(self, running: asyncio.Future[Any]) -> None:
        self._turn.release()
        if not running.cancelled():
            running.exception()  # somebody has looked at it, even if he who asked has gone


def _run(loop: asyncio.AbstractEventLoop, work: Callable[[int | None], T]) -> T:
    _loops.loop = loop
    try:
        return work(None)
    finally:
        del _loops.loop


def on_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what only the loop's thread may call, from wherever this is."""
    loop: asyncio.AbstractEventLoop | None = getattr(_loops, "loop", None)
    if loop is None:
        return function(*args, **kwargs)
    answer: Future[T] = Future()

    def call() -> None:
        try:
            answer.set_result(function(*args, **kwargs))
        except Exception as error:
            answer.set_exception(error)

    loop.call_soon_threadsafe(call)
    return answer.result(_PATIENCE)
