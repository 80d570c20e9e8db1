"""A part's process: its event loop, its log, and its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.guardian import guard

# How many new objects make the garbage collector look for cycles, and how many looks one at older objects. A write
# makes a few thousand objects and no cycles; by Python's own 700 the collector takes a tenth of its time.
COLLECT = (10_000, 10, 10)
LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


def run_part(main: Callable[[], Coroutine[Any, Any, None]], config: Config | None = None) -> int:
    """Run a component until SIGTERM or SIGINT; returns the exit code. With `config`, keep its supervisor alive too."""
    gc.set_threshold(*COLLECT)
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO, stream=sys.stderr)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_until_told(main, config))
    except UserError as error:
        sys.stderr.write(f"knarr: {error}\n")
        return 1
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # a platform without it: everything works, a third slower
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _until_told(main: Callable[[], Coroutine[Any, Any, None]], config: Config | None) -> None:
    loop = asyncio.get_running_loop()
    work = loop.create_task(main())
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    others = [loop.create_task(_freeze())]
    if config is not None:
        others.append(loop.create_task(guard(config)))
    try:
        await work
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        for task in others:
            task.cancel()


async def _freeze(delay: float = 5.0) -> None:
    """Take what start-up has made out of the garbage collector's sight: it is here to stay."""
    await asyncio.sleep(delay)
    gc.collect()
    gc.freeze()


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run components side by side until cancelled; one that fails ends them all, and the process is started anew."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
    except* UserError as refusals:
        raise refusals.exceptions[0] from None
