"""What a controller has asked for and its cache has not shown yet, so that it does not ask twice.

A controller that created three Pods must not look at its cache before these three are in it. `satisfied` says
whether it may; after five minutes it may anyway, since an event can be lost with the object it was about
(upstream's ControllerExpectations).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from knarr.machinery.clock import Clock

TIMEOUT = 300.0  # seconds


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """Creations still to be seen, by number, and deletions, by uid, for each key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expected: dict[str, _Expected] = {}

    def expect(self, key: str, creations: int = 0, deletions: Iterable[str] = ()) -> None:
        """Note what is about to be asked for; replaces what was noted before."""
        self._expected[key] = _Expected(self._clock.monotonic(), creations, set(deletions))

    def created(self, key: str, count: int = 1) -> None:
        """So many creations were seen, or will never be because they failed."""
        if expected := self._expected.get(key):
            expected.creations -= count

    def deleted(self, key: str, uid: str) -> None:
        """The deletion was seen, or failed."""
        if expected := self._expected.get(key):
            expected.deletions.discard(uid)

    def satisfied(self, key: str) -> bool:
        """Whether the cache has caught up with what the controller did to the key."""
        expected = self._expected.get(key)
        if expected is None or (expected.creations <= 0 and not expected.deletions):
            return True
        return self._clock.monotonic() - expected.since > TIMEOUT

    def pending(self, key: str) -> frozenset[str]:
        """The uids whose deletion is still to be seen."""
        return frozenset(() if self.satisfied(key) else self._expected[key].deletions)

    def forget(self, key: str) -> None:
        """The key is gone."""
        self._expected.pop(key, None)
