"""What a cluster has from its first moment, kept right while the server runs.

It follows its objects' keys in the watch cache and puts back what somebody took away or changed.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from functools import partial

import orjson

from knarr.api.kind import JSON, Kind
from knarr.apiserver.effects.effect import RefusedError
from knarr.apiserver.effects.table import effects_of
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.initial import Initial, initial_objects
from knarr.apiserver.registry import Registry, key_of
from knarr.apiserver.servers import PREFIX, alive
from knarr.machinery.times import format_time
from knarr.storage.cache import Change, Entry, Subscription
from knarr.storage.store import ConflictError, StoreError, UnavailableError, Write

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
ATTEMPTS = 10  # to write an object that others write at the same time


async def ensure(registry: Registry) -> None:
    """Create what is missing and mend what is wrong, once. Raises StoreError, RefusedError."""
    for initial in initial_objects(registry.options, alive(registry)):
        kind = registry.find(initial.group, initial.plural)
        if kind:
            await _ensure_one(registry, kind, initial)


async def run(registry: Registry) -> None:
    """Keep it so until cancelled: look again whenever one of the objects has changed."""
    changed = asyncio.Event()
    subscriptions: dict[str, Subscription] = {}

    def notice(changes: Sequence[Change]) -> None:
        changed.set()

    def follow(key: str) -> None:
        """From now on, and again when changes have been missed."""
        subscriptions[key] = registry.cache.subscribe(key, registry.cache.revision, notice, partial(follow, key))
        changed.set()

    for key in (*_keys(registry), PREFIX):
        follow(key)
    try:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await ensure(registry)
            except (StoreError, RefusedError) as error:
                log.warning("the cluster's own objects cannot be kept: %s", error)
                await registry.clock.sleep(RETRY_SECONDS)
                changed.set()
    finally:
        for subscription in subscriptions.values():
            subscription.close()


def _keys(registry: Registry) -> list[str]:
    initials = initial_objects(registry.options, alive(registry))
    found = [(registry.find(initial.group, initial.plural), initial) for initial in initials]
    return [key_of(kind, initial.namespace, initial.name) for kind, initial in found if kind]


async def _ensure_one(registry: Registry, kind: Kind, initial: Initial) -> None:
    """Another server on the same store may be about the same; one of them is the first."""
    for _ in range(ATTEMPTS):
        try:
            await _ensure(registry, kind, initial)
        except ConflictError:
            await registry.synced()
        else:
            return
    raise UnavailableError(f"too many writers of {initial.name} at once")


async def _ensure(registry: Registry, kind: Kind, initial: Initial) -> None:
    key = key_of(kind, initial.namespace, initial.name)
    entry = registry.cache.get(key)
    if entry is None:
        tree = _born(registry, initial.tree)
        extra = [write for effect in effects_of(kind) for write in effect.plan(registry, tree, None)]
        await registry.commit([Write(key, to_stored(tree), expected=0), *extra])
    else:
        await _mend(registry, entry, initial)


async def _mend(registry: Registry, entry: Entry, initial: Initial) -> None:
    found = orjson.loads(entry.value)
    wanted = {name: initial.tree[name] for name in initial.kept}
    if any(found.get(name) != field for name, field in wanted.items()):
        await registry.commit([Write(entry.key, to_stored({**found, **wanted}), expected=entry.revision)])


def _born(registry: Registry, tree: JSON) -> JSON:
    birth = {"uid": str(uuid.uuid4()), "creationTimestamp": format_time(registry.clock.now())}
    return {**tree, "metadata": {**tree["metadata"], **birth}}
