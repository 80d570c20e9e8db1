"""What a cluster has from its first moment, kept right while the server runs.

It follows its objects' keys in the watch cache and puts back what somebody took away or changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from itertools import groupby

import orjson

from knarr.api.flows import GROUP as FLOWS
from knarr.api.flows import PLURAL
from knarr.api.kind import JSON, Kind
from knarr.api.paths import each
from knarr.apiserver.effects.effect import RefusedError
from knarr.apiserver.effects.table import effects_of
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.flowcontrol.conditions import keep_conditions
from knarr.apiserver.initial import Initial, initial_objects
from knarr.apiserver.registry import Registry, born, key_of, prefix_of
from knarr.apiserver.servers import PREFIX, alive
from knarr.machinery.clock import Clock
from knarr.machinery.times import format_time
from knarr.storage.store import ConflictError, StoreError, UnavailableError, Write

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
REPAIRS, REPAIRS_WITHIN = 20, 60.0  # how many, in how many seconds
ATTEMPTS = 10  # to write an object that others write at the same time


async def ensure(registry: Registry) -> bool:
    """Create what is missing and mend what is wrong, once; whether there was any. Raises StoreError, RefusedError."""
    mended = False
    for together in _in_batches(registry):
        wrong = [pair for pair in together if _writes(registry, *pair)]
        if wrong:
            mended = True
            await asyncio.gather(*(_ensure_one(registry, kind, initial) for kind, initial in wrong))
    await _repeatedly(registry, lambda: keep_conditions(registry), "the conditions of flow schemas")
    return mended


def _in_batches(registry: Registry) -> Iterator[list[tuple[Kind, Initial]]]:
    """Those of one kind together, so that the store commits them at once."""
    initials = _initials(registry)
    known = [(kind, initial) for initial in initials if (kind := registry.find(initial.group, initial.plural))]
    for _, batch in groupby(known, key=lambda pair: pair[0].qualified_resource):
        yield list(batch)


def _initials(registry: Registry) -> Iterator[Initial]:
    return initial_objects(registry.options, alive(registry), registry.clock.now().date())


async def run(registry: Registry) -> None:
    """Keep it so until cancelled: look again whenever one of the objects has changed."""
    changed, repairs = asyncio.Event(), Repairs(registry.clock)
    changed.set()
    keys = (*_keys(registry), PREFIX)
    followings = [registry.cache.follow(key, lambda changes: changed.set(), changed.set) for key in keys]
    try:
        while True:
            await changed.wait()
            changed.clear()
            try:
                if await ensure(registry):
                    await repairs.count()
            except (StoreError, RefusedError) as error:
                log.warning("the cluster's own objects cannot be kept: %s", error)
                await registry.clock.sleep(RETRY_SECONDS)
                changed.set()
    finally:
        for following in followings:
            following.close()


class Repairs:
    """Holds back a server that mends again and again, as one with another opinion on the same store does as well."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest: deque[float] = deque(maxlen=REPAIRS)

    async def count(self) -> None:
        """One more; after too many, wait."""
        now = self._clock.monotonic()
        self._latest.append(now)
        rest = self._latest[0] + REPAIRS_WITHIN - now
        if len(self._latest) == REPAIRS and rest > 0:
            log.warning("somebody else keeps changing the cluster's own objects; they are mended every so often")
            await self._clock.sleep(rest)


def _keys(registry: Registry) -> list[str]:
    """What is followed: the objects, and all of flow control, whose conditions are kept."""
    initials = [i for i in _initials(registry) if i.group != FLOWS]
    found = [(registry.find(initial.group, initial.plural), initial) for initial in initials]
    flows = [kind for plural in PLURAL.values() if (kind := registry.find(FLOWS, plural))]
    return [key_of(kind, i.namespace, i.name) for kind, i in found if kind] + [prefix_of(kind) for kind in flows]


async def _ensure_one(registry: Registry, kind: Kind, initial: Initial) -> None:
    async def write() -> None:
        if writes := _writes(registry, kind, initial):
            await registry.commit(writes)

    await _repeatedly(registry, write, initial.name)


async def _repeatedly(registry: Registry, write: Callable[[], Awaitable[None]], what: str) -> None:
    """Another server on the same store may be about the same; one of them is the first."""
    for _ in range(ATTEMPTS):
        try:
            await write()
        except ConflictError:
            await registry.synced()
        else:
            return
    raise UnavailableError(f"too many writers of {what} at once")


def _writes(registry: Registry, kind: Kind, initial: Initial) -> list[Write]:
    """What brings the object about; nothing where it is as it should be, or nobody can say."""
    key = key_of(kind, initial.namespace, initial.name)
    if key in registry.cache.unreadable:
        return []
    entry = registry.cache.get(key)
    if entry is None:
        tree = _born(registry, initial.tree)
        extra = [write for effect in effects_of(kind) for write in effect.plan(registry, tree, None)]
        return [Write(key, to_stored(tree), expected=0), *extra]
    found = orjson.loads(entry.value)
    wanted = initial.mended(found)
    return [] if wanted == found else [Write(key, to_stored(wanted), expected=entry.revision)]


def _born(registry: Registry, tree: JSON) -> JSON:
    """The object as it begins: its conditions hold from now on."""
    now = format_time(registry.clock.now())
    made = born(tree, now)
    if conditions := each(tree, "status.conditions"):
        made["status"] = {**tree["status"], "conditions": [{**c, "lastTransitionTime": now} for c in conditions]}
    return made
