"""Where events go, and what is promised of them by when: the modes of upstream's back-ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from knarr.apiserver.metrics import Metrics
from knarr.machinery.clock import Clock, at_most
from knarr.machinery.figures import Family

log = logging.getLogger(__name__)

ERRORS = Family(
    "apiserver_audit_error_total",
    "counter",
    "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
    ("plugin",),
)


class Backend(Protocol):
    """Stores events, or sends them away."""

    async def deliver(self, events: Sequence[bytes]) -> bool:
        """Whether all are where they belong; what failed is counted already."""

    async def close(self) -> None:
        """Nothing is delivered any more."""


class Sink(Protocol):
    """Takes events as they happen."""

    def take(self, event: bytes) -> Awaitable[bool] | None:
        """Take an event. What is returned is waited for before the request goes on: False if it must not."""

    async def close(self, grace: float) -> None:
        """Deliver what is still here, for at most so many real seconds."""


class Failures:
    """Counts what is lost, and says so in the server's own log."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def count(self, plugin: str, why: object, events: int) -> None:
        self._metrics.count(ERRORS, (plugin,)).n += events
        log.error("Error in audit plugin '%s' affecting %d audit events: %s", plugin, events, why)


class Blocking:
    """A request goes on when its event is delivered; where that fails only if it is not `strict`."""

    def __init__(self, backend: Backend, *, strict: bool = False) -> None:
        self._backend, self._strict = backend, strict

    def take(self, event: bytes) -> Awaitable[bool]:
        return self._deliver(event)

    async def close(self, grace: float) -> None:
        await self._backend.close()

    async def _deliver(self, event: bytes) -> bool:
        delivered = await self._backend.deliver([event])
        return delivered or not self._strict


@dataclass(frozen=True, slots=True)
class Batch:
    """How many events go together, and how many wait at most; `rate` and `burst` are batches per second and at once,
    0 as many as there are. `together`: a batch need not wait for the one before.
    """

    buffer: int = 10_000
    most: int = 400
    wait: float = 30.0  # seconds that an event waits for others
    rate: float = 0.0
    burst: int = 0
    together: bool = False


class Buffered:
    """Requests never wait: events are delivered in batches, and lost where too many wait already."""

    def __init__(self, backend: Backend, batch: Batch, clock: Clock, failures: Failures) -> None:
        self._backend, self._batch, self._clock, self._failures = backend, batch, clock, failures
        self._waiting: list[bytes] = []
        self._changed = asyncio.Event()
        self._closed = False
        self._allowance, self._counted = float(batch.burst), clock.monotonic()
        self._under_way: dict[asyncio.Task[bool], int] = {}  # with the number of their events
        self._running = asyncio.create_task(self._run())

    def take(self, event: bytes) -> None:
        waiting = len(self._waiting)
        if self._closed:
            self._failures.count("buffered", "audit backend shut down", 1)
        elif waiting >= self._batch.buffer:
            self._failures.count("buffered", "audit buffer queue blocked", 1)
        else:
            self._waiting.append(event)
            if waiting == 0 or waiting + 1 >= self._batch.most:
                self._changed.set()

    async def close(self, grace: float) -> None:
        self._closed = True
        self._changed.set()
        try:
            async with asyncio.timeout(grace):
                await self._running
                await asyncio.gather(*self._under_way)
        except TimeoutError:
            await self._abandon()
        await self._backend.close()

    async def _abandon(self) -> None:
        lost = len(self._waiting) + sum(self._under_way.values())
        tasks = [self._running, *self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._failures.count("buffered", "audit backend shut down", lost)

    async def _run(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                await self._change()
                continue
            if len(self._waiting) < self._batch.most:
                await at_most(self._clock, self._batch.wait, self._filled())
            await self._throttle()
            await self._send()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _filled(self) -> None:
        while len(self._waiting) < self._batch.most and not self._closed:
            await self._change()

    async def _throttle(self) -> None:
        """Wait until another batch is allowed; what stops does not."""
        if not self._batch.rate or self._closed:
            return
        now = self._clock.monotonic()
        grown = self._allowance + (now - self._counted) * self._batch.rate
        self._allowance, self._counted = min(grown, float(self._batch.burst)) - 1, now
        if self._allowance < 0:
            await self._clock.sleep(-self._allowance / self._batch.rate)

    async def _send(self) -> None:
        batch, self._waiting = self._waiting[: self._batch.most], self._waiting[self._batch.most :]
        task = asyncio.create_task(self._backend.deliver(batch))
        self._under_way[task] = len(batch)
        task.add_done_callback(self._under_way.pop)
        if not self._batch.together:
            await asyncio.wait([task])
