"""The kinds that are served now: custom resources come and go while the server runs.

What is derived from the kinds is not told of changes: whoever keeps such a thing remembers the `generation` that it was
made of, and makes it anew when that has grown. Who has to act at once puts a callback into `listeners`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from knarr.api.kind import Kind


class Kinds:
    """Kinds by their address, and by where the store keeps their objects; iterated in the order of their arrival."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self.generation = 0
        self.listeners: list[Callable[[], None]] = []
        self._by_address: dict[tuple[str, str], Kind] = {}
        self._by_prefix: dict[str, Kind] = {}
        self._sharing: dict[str, tuple[Kind, ...]] = {}  # as far as it was asked for
        self.serve(*kinds)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_address.values())

    def find(self, group: str, plural: str) -> Kind | None:
        return self._by_address.get((group, plural))

    def of_key(self, key: str) -> Kind | None:
        """A stored object's kind, by its key's first two or three parts: /registry/pods or /registry/services/specs."""
        parts = key.split("/", 4)
        return self._by_prefix.get("/".join(parts[:3])) or self._by_prefix.get("/".join(parts[:4]))

    def sharing(self, prefix: str) -> tuple[Kind, ...]:
        """All kinds whose objects are kept there: one, or the same objects in several groups."""
        found = self._sharing.get(prefix)
        if found is None:
            found = self._sharing[prefix] = tuple(kind for kind in self if kind.prefix == prefix)
        return found

    def serve(self, *kinds: Kind) -> None:
        """Serve these from now on, each in place of what had its address."""
        for kind in kinds:
            self._by_address[kind.group, kind.plural] = kind
            self._by_prefix[kind.prefix] = kind
        self._changed()

    def withdraw(self, kind: Kind) -> None:
        """Serve a kind no longer; what is stored of it stays."""
        del self._by_address[kind.group, kind.plural]
        del self._by_prefix[kind.prefix]
        self._changed()

    def _changed(self) -> None:
        self._sharing = {}
        self.generation += 1
        for listener in tuple(self.listeners):
            listener()
