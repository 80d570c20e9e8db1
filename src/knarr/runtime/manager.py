"""Running controllers: one cache for all that watch the same, a queue and workers for each.

Workers start when every cache that their controller reads is filled. A reconcile that raises is retried with
back-off, and told of in the log once, until it fails in another way or succeeds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import Resource
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Conflict
from knarr.machinery.figures import Figures
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, TerminalError, Watch
from knarr.runtime.events import EventRecorder
from knarr.runtime.expectations import Expectations
from knarr.runtime.figures import tell_of_queues
from knarr.runtime.informer import Informer
from knarr.runtime.queue import WorkQueue
from knarr.runtime.quiescence import Quiescence

log = logging.getLogger(__name__)


class Informers:
    """The caches of a process: one for each (resource, view, selectors), made when first asked for."""

    def __init__(self, client: Client, clock: Clock, quiescence: Quiescence) -> None:
        self._client, self._clock, self._quiescence = client, clock, quiescence
        self._informers: dict[tuple[Resource, type[Object], str, str], Informer[Any]] = {}

    def of(self, watch: Watch) -> Informer[Any]:
        key = (watch.resource, watch.view, watch.label_selector, watch.field_selector)
        if key not in self._informers:
            self._informers[key] = Informer(
                self._client,
                watch.resource,
                watch.view,
                label_selector=watch.label_selector,
                field_selector=watch.field_selector,
                clock=self._clock,
                quiescence=self._quiescence,
            )
        for name, function in watch.indexes.items():
            self._informers[key].add_index(name, function)
        return self._informers[key]

    def borrow(self, resource: Resource, view: type[Object]) -> tuple[Informer[Any], bool]:
        """A cache of all objects of a resource, and whether somebody runs it: if not, it is new and the caller's."""
        for (known, _, *selectors), informer in self._informers.items():
            if known == resource and not any(selectors):
                return informer, True
        return Informer(self._client, resource, view, clock=self._clock, quiescence=self._quiescence), False

    def __iter__(self) -> Any:
        return iter(self._informers.values())


class Loop:
    """One controller at work: its queue, its workers, and what they have to say."""

    def __init__(
        self,
        controller: Controller,
        informers: Informers,
        client: Client,
        clock: Clock,
        *,
        reader: Client,
        quiescence: Quiescence,
        component: str,
        settings: Mapping[str, str],
    ) -> None:
        self.controller = controller
        self.queue = WorkQueue(clock, quiescence)
        self.events = EventRecorder(client, clock, component, quiescence=quiescence)
        self._clock, self._quiescence = clock, quiescence
        self._told: dict[str, str] = {}  # the last error logged, by key
        self._caches = {(w.resource, w.view): informers.of(w) for w in controller.watches}
        self._context = Context(
            client=client,
            reader=reader,
            clock=clock,
            events=self.events,
            expectations=Expectations(clock),
            informer_of=lambda resource, view: self._caches[resource, view],
            enqueue=self.queue.add,
            borrow=informers.borrow,
            settings=settings,
        )
        for watch in controller.watches:
            informers.of(watch).add_handler(partial(self._changed, watch))

    async def run(self) -> None:
        """Work until cancelled."""
        for cache in self._caches.values():
            await cache.wait_synced()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.controller.workers):
                    group.create_task(self._work())
                if self.controller.run:
                    group.create_task(self.controller.run(self._context))  # type: ignore[arg-type]
                if self.controller.resync:
                    group.create_task(self._resync(self.controller.resync))
        finally:
            self.queue.close()
            await self.events.close()

    def _changed(self, watch: Watch, old: Object | None, new: Object | None) -> None:
        if watch.observe:
            watch.observe(self._context, old, new)
        if watch.matters and old is not None and new is not None and not watch.matters(old, new):
            return
        extra = (self._context,) if watch.needs_context else ()
        for key in {k for o in (old, new) if o is not None for k in watch.keys(o, *extra)}:
            self.queue.add(key)

    async def _resync(self, seconds: float) -> None:
        first = self.controller.watches[0]
        while True:
            await self._clock.sleep(seconds)
            for known in self._caches[first.resource, first.view].list():
                self.queue.add(known.metadata.key)

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._reconcile(key)
            finally:
                self.queue.done(key)

    async def _reconcile(self, key: str) -> None:
        try:
            again = await self.controller.reconcile(self._context, key)
        except TerminalError as error:
            self.queue.forget(key)
            self._report(key, error, "given up")
        except Exception as error:  # whatever it is, this key's trouble must not stop the others
            self._report(key, error, f"retrying in {self.queue.retry(key):g} s")
        else:
            self.queue.forget(key)
            self._told.pop(key, None)
            self._again(key, again)

    def _again(self, key: str, again: After | None) -> None:
        if again is not None:
            self.queue.add_after(key, again.seconds)

    def _report(self, key: str, error: Exception, consequence: str) -> None:
        """Once for each distinct error; a lost race is business as usual, a fault of our own shows where it is."""
        text = f"{type(error).__name__}: {error}"
        level = logging.DEBUG if isinstance(error, Conflict) or self._told.get(key) == text else logging.WARNING
        self._told[key] = text
        expected = isinstance(error, APIError | ConnectionError | TimeoutError | TerminalError)
        trace = None if expected or level == logging.DEBUG else error
        log.log(level, "%s: %s: %s (%s)", self.controller.name, key, text, consequence, exc_info=trace)


async def run_controllers(
    controllers: Sequence[Controller],
    client: Client,
    clock: Clock,
    *,
    component: str,
    acting: Callable[[Controller], Client] | None = None,
    quiescence: Quiescence | None = None,
    figures: Figures | None = None,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Run the controllers until cancelled.

    Caches are kept by `client`; what a controller does it does by the client that `acting` has for it, by default the
    same. `component` is the events' source for controllers that name none; `figures` are told how the queues do.
    """
    quiescence = quiescence or Quiescence()
    informers = Informers(client, clock, quiescence)
    loops = [
        Loop(
            controller,
            informers,
            acting(controller) if acting else client,
            clock,
            reader=client,
            quiescence=quiescence,
            component=controller.source or component,
            settings=settings or {},
        )
        for controller in controllers
    ]
    tell_of_queues(figures or Figures(), {loop.controller.queue or loop.controller.name: loop.queue for loop in loops})
    async with asyncio.TaskGroup() as group:
        for informer in informers:
            group.create_task(informer.run())
        for loop in loops:
            group.create_task(loop.run())
