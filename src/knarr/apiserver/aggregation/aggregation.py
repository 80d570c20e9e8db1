"""API aggregation, put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from pathlib import Path

from knarr.apiserver.aggregation.catalogue import Catalogue
from knarr.apiserver.aggregation.keeping import Keeper
from knarr.apiserver.aggregation.proxying import proxied
from knarr.apiserver.aggregation.registering import register
from knarr.apiserver.aggregation.registrations import Registrations
from knarr.apiserver.authn.users import User
from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.registry import Registry
from knarr.storage.store import ConflictError, StoreError
from knarr.wire.messages import Answer, Request

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Aggregation:
    """Answers what other servers serve, and keeps the APIServices.

    `certificate` and `key` (PEM files) are what those servers are shown of us.
    """

    def __init__(self, registry: Registry, certificate: Path | None = None, key: Path | None = None) -> None:
        self.registered = asyncio.Event()  # what is served here is listed, from the start on
        self._registry = registry
        self._pool = Pool(registry, certificate, key)
        self._registrations = Registrations(registry)
        self.catalogue = Catalogue(self._registrations, self._pool)

    def find(self, request: Request, user: User) -> Awaitable[Answer] | None:
        """The answer of the server whose path it is, where it is not this one's."""
        found = self._registrations.of_path(request.path)
        if found and request.path.startswith("/openapi/") and not self.catalogue.has_openapi(found):
            return None
        return proxied(self._pool, found, request, user) if found else None

    async def run(self) -> None:
        """Keep the registrations of what is served here, and everybody's availability, until cancelled."""
        changed = asyncio.Event()
        keeper = Keeper(self._registry, self._pool, self._registrations, self.catalogue, changed.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._register(changed))
            group.create_task(keeper.run())

    def close(self) -> None:
        self._pool.close()

    async def _register(self, changed: asyncio.Event) -> None:
        """At the start, and whenever the kinds or the registrations change."""
        starting = True
        listeners = self._registry.kinds.listeners
        listeners.append(changed.set)
        try:
            while True:
                changed.clear()
                try:
                    await register(self._registry, starting=starting)
                    starting = False
                    self.registered.set()
                    await changed.wait()
                except ConflictError:  # with another server, which is about the same
                    await self._registry.clock.sleep(0)
                except StoreError as error:
                    log.warning("the APIServices of what is served here cannot be kept: %s", error)
                    await self._registry.clock.sleep(RETRY_SECONDS)
        finally:
            listeners.remove(changed.set)
