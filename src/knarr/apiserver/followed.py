"""What is made of the objects of one resource, for those who need it with every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from knarr.api.kind import JSON
from knarr.apiserver.registry import Registry, prefix_of, tree_of
from knarr.storage.cache import Entry, Following

T = TypeVar("T")


class Followed(Generic[T]):
    """`make` of every object, in the order of their names: made anew when an object has changed, and then asked for.

    Nobody pays but the first to ask after a change. A write that is acknowledged is in the next answer.
    """

    def __init__(self, registry: Registry, group: str, plural: str, make: Callable[[JSON], T]) -> None:
        self._registry, self._address, self._make = registry, (group, plural), make
        self._made: dict[Entry, T] = {}
        self._found: tuple[T, ...] = ()
        self._following: Following | None = None
        self._stale = True

    def get(self) -> tuple[T, ...]:
        if self._stale:
            self._refresh()
        return self._found

    def _refresh(self) -> None:
        kind = self._registry.find(*self._address)
        if kind is None:
            return
        cache, prefix = self._registry.cache, prefix_of(kind)
        if self._following is None:
            self._following = cache.follow(prefix, lambda changes: self._mark(), self._mark)
        known = self._made
        self._made = {entry: known.get(entry) or self._make(tree_of(entry)) for entry in cache.range(prefix)}
        self._found, self._stale = tuple(self._made.values()), False

    def _mark(self) -> None:
        self._stale = True
