"""The condition Available of every APIService, kept true: looked at again when its Service changes, and in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from knarr.api.conditions import put_condition
from knarr.apiserver.aggregation.availability import Verdict, judge
from knarr.apiserver.aggregation.catalogue import Catalogue
from knarr.apiserver.aggregation.registrations import GROUP, PLURAL, Registration, Registrations
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.metrics.families import UNAVAILABLE, UNAVAILABLE_TOTAL
from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.targets import SERVICE_NAME
from knarr.apiserver.registry import Registry, prefix_of
from knarr.machinery.clock import at_most
from knarr.machinery.times import format_time
from knarr.storage.cache import Change, Following
from knarr.storage.store import ConflictError, StoreError, Write

log = logging.getLogger(__name__)

RESYNC = 30.0  # seconds between looks at a server that is well
_FIRST_RETRY = 0.25  # seconds; doubled with each failure, up to RESYNC
_WATCHED = ((GROUP, PLURAL), ("", "services"), ("discovery.k8s.io", "endpointslices"))


@dataclass(frozen=True, slots=True)
class _Post:
    """Who looks after one remote APIService, and does so at once when told to `look`."""

    registration: Registration
    look: asyncio.Event
    task: asyncio.Task[None]

    def concerns(self, namespace: str, name: str) -> bool:
        """Whether it is this Service that answers."""
        service = self.registration.target.service if self.registration.target else None
        return service is not None and (service.namespace, service.name) == (namespace, name)


class Keeper:
    """One task for each remote APIService; the catalogue learns what they find, `changed` that some APIService has."""

    def __init__(
        self,
        registry: Registry,
        pool: Pool,
        registrations: Registrations,
        catalogue: Catalogue,
        changed: Callable[[], None],
    ) -> None:
        self._registry, self._pool, self._registrations, self._catalogue = registry, pool, registrations, catalogue
        self._changed = changed
        registry.metrics.ask(UNAVAILABLE, lambda: (((r.name,), int(not r.available)) for r in registrations.all()))
        self._wake = asyncio.Event()
        self._posts: dict[str, _Post] = {}

    async def run(self) -> None:
        """Until cancelled."""
        followings = list(self._follow())
        try:
            while True:
                await self._settle_local()
                self._arrange()
                await self._wake.wait()
                self._wake.clear()
        finally:
            for following in followings:
                following.close()
            for post in self._posts.values():
                post.task.cancel()

    def _follow(self) -> Iterator[Following]:
        for address in _WATCHED:
            if kind := self._registry.find(*address):
                yield self._registry.cache.follow(prefix_of(kind), self._notice, self._wake_all)

    def _notice(self, changes: Sequence[Change]) -> None:
        """Somebody's Service, or its endpoints, or a registration."""
        for change in changes:
            parts = change.entry.key.split("/")
            name = change.entry.labels.get(SERVICE_NAME, parts[-1])
            if parts[2] == GROUP:
                self._wake.set()
                self._changed()
            for post in self._posts.values():
                if post.concerns(parts[-2], name):
                    post.look.set()

    def _wake_all(self) -> None:
        self._wake.set()
        for post in self._posts.values():
            post.look.set()

    def _arrange(self) -> None:
        """A task for each that is there, none for those that have gone or are about somebody else now."""
        wanted = {r.name: r for r in self._registrations.all() if r.target}
        for name, post in tuple(self._posts.items()):
            now = wanted.get(name)
            if now is None or (now.uid, now.target) != (post.registration.uid, post.registration.target):
                post.task.cancel()
                self._catalogue.forget(post.registration)
                del self._posts[name]
        for name, registration in wanted.items():
            if name not in self._posts:
                look = asyncio.Event()
                task = asyncio.create_task(self._keep(registration, look), name=f"availability of {name}")
                self._posts[name] = _Post(registration, look, task)

    async def _keep(self, registration: Registration, look: asyncio.Event) -> None:
        retry = _FIRST_RETRY
        while True:
            look.clear()
            try:
                well = await self._look(registration)
            except Exception:
                log.exception("the APIService %s could not be looked at", registration.name)
                well = False
            await at_most(self._registry.clock, RESYNC if well else retry, look.wait())
            retry = _FIRST_RETRY if well else min(retry * 2, RESYNC)

    async def _look(self, registration: Registration) -> bool:
        """Whether there is nothing to be tried again soon."""
        verdict = await judge(self._registry, self._pool, registration)
        await self._write(registration.name, verdict)
        await self._catalogue.visit(registration, verdict.available)
        return verdict.reason != "FailedDiscoveryCheck"

    async def _settle_local(self) -> None:
        """Registrations of what is served here are well by definition."""
        for registration in self._registrations.all():
            if registration.target is None and not registration.available:
                await self._write(registration.name, await judge(self._registry, self._pool, registration))

    async def _write(self, name: str, verdict: Verdict) -> None:
        """Put the condition into the status, unless it is there; somebody else may be writing, too."""
        try:
            while not await self._written(name, verdict):
                await self._registry.synced()
        except StoreError as error:
            log.warning("the status of the APIService %s cannot be written: %s", name, error)

    async def _written(self, name: str, verdict: Verdict) -> bool:
        """Raises StoreError."""
        kind = self._registry.find(GROUP, PLURAL)
        entry = self._registry.entry(kind, "", name) if kind else None
        if entry is None:
            return True
        tree = orjson.loads(entry.value)
        if not put_condition(tree, verdict.condition, format_time(self._registry.clock.now())):
            return True
        if not verdict.available:
            self._registry.metrics.count(UNAVAILABLE_TOTAL, (name, verdict.reason)).n += 1
        try:
            await self._registry.commit([Write(entry.key, to_stored(tree), expected=entry.revision)])
        except ConflictError:
            return False
        return True
