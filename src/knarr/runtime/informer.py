"""A cache of the objects of one resource, kept true by list and watch.

The watch is resumed where it broke off, also across restarts of the API server; only when the server no longer
knows that revision (410 Gone) everything is listed anew, and handlers hear of the differences alone. What the cache
hands out is shared and immutable.
"""

from __future__ import annotations

import asyncio
import builtins
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Generic

from knarr.client.client import Client, WatchEvent
from knarr.client.objects import T
from knarr.client.resources import Resource
from knarr.machinery.clock import Clock, RealClock
from knarr.machinery.errors import APIError, BadRequest, Gone, Timeout
from knarr.runtime.backoff import Backoff
from knarr.runtime.quiescence import Quiescence

log = logging.getLogger(__name__)

Handler = Callable[[T | None, T | None], None]  # (old, new): added has no old, deleted no new
IndexFunction = Callable[[T], Iterable[str]]

# A watch that ends sooner than this without having told anything counts as a failure: the next one waits.
_SHORT_WATCH = 1.0  # seconds
# The server is asked to end a watch after so many seconds: a connection that died unnoticed is found out by then.
_WATCH_SECONDS = (300, 600)


class Informer(Generic[T]):
    """Objects of `resource` seen through `view`, by key (`namespace/name`) and by index."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        view: type[T],
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        indexes: Mapping[str, IndexFunction[T]] | None = None,
        clock: Clock | None = None,
        quiescence: Quiescence | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._client, self._resource, self._view, self._namespace = client, resource, view, namespace
        self._label_selector, self._field_selector = label_selector, field_selector
        self._clock = clock or RealClock()
        self._quiescence = quiescence or Quiescence()
        self._quiescence.begin()  # until the first list is here
        self._backoff = backoff or Backoff()
        self._objects: dict[str, T] = {}
        self._functions: dict[str, IndexFunction[T]] = {"namespace": lambda o: (o.metadata.namespace,)}
        self._indexes: dict[str, dict[str, dict[str, T]]] = {"namespace": {}}
        self._handlers: list[Handler[T]] = []
        self._synced = asyncio.Event()
        self._version = ""  # resume the watch after this; empty: list first
        self._last_error = ""
        for name, function in (indexes or {}).items():
            self.add_index(name, function)

    def get(self, key: str) -> T | None:
        """The object as of the last event, or None."""
        return self._objects.get(key)

    def list(self, namespace: str = "") -> builtins.list[T]:
        """All objects, or those of one namespace."""
        return self.by_index("namespace", namespace) if namespace else [*self._objects.values()]

    def by_index(self, name: str, value: str) -> builtins.list[T]:
        """The objects that the index function `name` gave `value` for."""
        return [*self._indexes[name].get(value, {}).values()]

    @property
    def synced(self) -> bool:
        """Whether the first list is in the cache."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def add_handler(self, handler: Handler[T]) -> None:
        """Call `handler(old, new)` for each change from now on, and at once for each object that is here already."""
        self._handlers.append(handler)
        for known in self.list():
            handler(None, known)

    def add_index(self, name: str, function: IndexFunction[T]) -> None:
        """Index by the values that `function` gives; a name stands for one function only."""
        if self._functions.setdefault(name, function) is not function:
            raise ValueError(f"index {name} of {self._resource.plural} is there already, with another function")
        if name in self._indexes:
            return
        self._indexes[name] = {}
        for key, known in self._objects.items():
            self._file(name, key, known)

    async def run(self) -> None:
        """Keep the cache true until cancelled."""
        while True:
            begun = self._clock.monotonic()
            progress = await self._attempt()
            if progress or self._clock.monotonic() - begun >= _SHORT_WATCH:
                self._backoff.reset()
            else:
                await self._clock.sleep(self._backoff.next())

    async def _attempt(self) -> bool:
        """List if need be, then watch until that ends; whether an event was seen."""
        seen = False
        try:
            if not self._version:
                await self._list()
            async with aclosing(self._watch()) as events:
                async for event in events:
                    seen = True
                    self._last_error = ""
                    self._apply(event)
        except (Gone, Timeout, BadRequest) as error:  # Timeout: of a revision that a restored server has not reached
            self._version = ""
            self._report(error)
        except (APIError, ConnectionError, TimeoutError) as error:
            self._report(error)
        return seen

    def _watch(self) -> AsyncGenerator[WatchEvent[T], None]:
        return self._client.watch(
            self._resource,
            self._namespace,
            view=self._view,
            resource_version=self._version,
            timeout=random.randint(*_WATCH_SECONDS),  # noqa: S311  # spread, not secret
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )

    def _report(self, error: Exception) -> None:
        """Say it once, not at each attempt."""
        text = f"{type(error).__name__}: {error}"
        level = logging.DEBUG if text == self._last_error or isinstance(error, Gone) else logging.WARNING
        self._last_error = text
        log.log(level, "watch of %s broke off, will go on: %s", self._resource.plural, text)

    async def _list(self) -> None:
        found = await self._client.list(
            self._resource,
            self._namespace,
            view=self._view,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        current = {o.metadata.key: o for o in found.items}
        for key in [key for key in self._objects if key not in current]:
            self._change(key, self._objects[key], None)
        for key, new in current.items():
            old = self._objects.get(key)
            if old is None or old.metadata.resource_version != new.metadata.resource_version:
                self._change(key, old, new)
        self._version = found.resource_version
        if not self._synced.is_set():
            self._synced.set()
            self._quiescence.end()

    def _apply(self, event: WatchEvent[T]) -> None:
        told = event.object
        self._version = told.metadata.resource_version
        key = told.metadata.key
        if event.type == "DELETED":
            if key in self._objects:
                self._change(key, told, None)
        elif event.type != "BOOKMARK":
            self._change(key, self._objects.get(key), told)

    def _change(self, key: str, old: T | None, new: T | None) -> None:
        """Into the cache first, then to the handlers: a handler finds what it was told of."""
        if (known := self._objects.get(key)) is not None:
            self._unfile(key, known)
        if new is None:
            self._objects.pop(key, None)
        else:
            self._objects[key] = new
            for name in self._functions:
                self._file(name, key, new)
        for handler in self._handlers:
            handler(old, new)

    def _file(self, name: str, key: str, known: T) -> None:
        for value in self._functions[name](known):
            self._indexes[name].setdefault(value, {})[key] = known

    def _unfile(self, key: str, known: T) -> None:
        for name, function in self._functions.items():
            for value in function(known):
                shelf = self._indexes[name].get(value, {})
                shelf.pop(key, None)
                if not shelf:
                    self._indexes[name].pop(value, None)
