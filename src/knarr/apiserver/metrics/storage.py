"""What is stored, what the watch cache has heard, and how long commits take."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import Kind
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.metrics.families import (
    CACHE_EVENTS,
    CACHE_LISTED,
    CACHE_LISTS,
    CACHE_LOADS,
    OBJECTS,
    STORAGE_LISTED,
    STORAGE_LISTS,
    STORAGE_OBJECTS,
    STORE_DURATION,
)
from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Count, Sample, Spread
from knarr.storage.cache import WatchCache
from knarr.storage.store import Write


def tell_of_storage(metrics: Metrics, kinds: Kinds, cache: WatchCache) -> None:
    """Read at each look."""

    def counted() -> Iterator[tuple[tuple[str, str], int]]:
        return (((kind.group, kind.plural), cache.count(f"{kind.prefix}/")) for kind in kinds if "list" in kind.verbs)

    def old_labels() -> Iterator[Sample]:
        return (((f"{resource}.{group}".rstrip("."),), n) for (group, resource), n in counted())

    metrics.ask(OBJECTS, counted)
    metrics.ask(STORAGE_OBJECTS, old_labels)
    metrics.ask(CACHE_EVENTS, lambda: ((("", shelf), n) for shelf, n in cache.received().items()))
    metrics.ask(CACHE_LOADS, lambda: [(("", ""), cache.loads)])


class Commits:
    """How long the store takes, by operation and resource."""

    def __init__(self, metrics: Metrics, kinds: Kinds) -> None:
        self._metrics, self._kinds = metrics, kinds
        self._spreads: dict[tuple[str, str], Spread] = {}

    def took(self, write: Write, seconds: float) -> None:
        """A commit of this write, and of what goes with it."""
        operation = "delete" if write.value is None else "create" if write.expected == 0 else "update"
        shelf = write.key.split("/", 3)[2]
        spread = self._spreads.get((operation, shelf)) or self._new(operation, shelf, write.key)
        spread.observe(seconds)

    def _new(self, operation: str, shelf: str, key: str) -> Spread:
        kind = self._kinds.of_key(key)
        labels = (operation, kind.group, kind.plural) if kind else (operation, "", shelf)
        return self._spreads.setdefault((operation, shelf), self._metrics.spread(STORE_DURATION, labels))


class Lists:
    """How many lists there are of each resource, from the cache and from the store, and how many objects in them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._cached: dict[tuple[str, str], tuple[Count, Count]] = {}
        self._stored: dict[tuple[str, str], tuple[Count, Count]] = {}

    def cached(self, kind: Kind, objects: int) -> None:
        labels = (kind.group, kind.plural)
        found = self._cached.get(labels)
        if found is None:
            lists = self._metrics.count(CACHE_LISTS, (kind.group, "", kind.plural))
            found = self._cached[labels] = lists, self._metrics.count(CACHE_LISTED, labels)
        _add(found, objects)

    def stored(self, kind: Kind, objects: int) -> None:
        labels = (kind.group, kind.plural)
        found = self._stored.get(labels)
        if found is None:
            lists = self._metrics.count(STORAGE_LISTS, labels)
            found = self._stored[labels] = lists, self._metrics.count(STORAGE_LISTED, labels)
        _add(found, objects)


def _add(counts: tuple[Count, Count], objects: int) -> None:
    lists, listed = counts
    lists.n += 1
    listed.n += objects
