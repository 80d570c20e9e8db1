"""Answers that are good for a while: a bounded memory whose entries end by the clock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from knarr.machinery.clock import Clock
from knarr.machinery.latest import Latest

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """The `limit` entries that were used last, each for as many seconds as it was put for."""

    __slots__ = ("_clock", "_entries")

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._entries: Latest[K, tuple[float, V]] = Latest(limit)

    def get(self, key: K) -> V | None:
        """The entry, as long as its time has not come."""
        ends, value = self._entries.get(key) or (0.0, None)
        return value if self._clock.monotonic() < ends else None

    def put(self, key: K, value: V, seconds: float) -> V:
        """Remember it for so long; returns it."""
        self._entries.put(key, (self._clock.monotonic() + seconds, value))
        return value
