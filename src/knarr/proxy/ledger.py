"""The state that is wanted, as claims of services on parts of the table.

A claim is a name with the things that belong to it. Several services may make the same claim: on the chains that pick
one of three endpoints, say, or on one external IP and port. Whoever claimed first has it; the others' turn comes when
that one lets go. So no object that a user creates can make a transaction contradict itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from knarr.proxy.ruleset import Change, Place, Things

Claims = Mapping[str, Things]


class Ledger:
    """Who claims what, and what has changed since this was last asked."""

    def __init__(self) -> None:
        self._owned: dict[str, Claims] = {}
        self._claims: dict[str, dict[str, Things]] = {}
        self._told: dict[str, Things] = {}  # what the touched claims were worth when last asked

    def state(self, owner: str, claims: Claims) -> None:
        """From now on the owner claims this and nothing else."""
        before = self._owned.pop(owner, {})
        for name in before.keys() | claims.keys():
            if before.get(name) != claims.get(name):
                self._touch(name)
                self._settle(name, owner, claims.get(name))
        if claims:
            self._owned[owner] = claims

    def changes(self) -> Change:
        """What has changed since the last call."""
        removed: dict[Place, str] = {}
        put: dict[Place, str] = {}
        for name, before in self._told.items():
            now = self._worth(name)
            removed |= {place: value for place, value in before.items() if now.get(place) != value}
            put |= {place: value for place, value in now.items() if before.get(place) != value}
        self._told.clear()
        return Change(removed, put)

    def everything(self) -> Things:
        """All that is claimed now."""
        return {place: value for name in self._claims for place, value in self._worth(name).items()}

    def _worth(self, name: str) -> Things:
        return next(iter(self._claims.get(name, {}).values()), {})

    def _touch(self, name: str) -> None:
        self._told.setdefault(name, self._worth(name))

    def _settle(self, name: str, owner: str, things: Things | None) -> None:
        claimants = self._claims.setdefault(name, {})
        if things is None:
            claimants.pop(owner, None)
        else:
            claimants[owner] = things  # a known owner keeps its turn
        if not claimants:
            del self._claims[name]
