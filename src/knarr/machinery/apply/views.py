"""An object in the versions that its managers know: entries name fields of the version that they were written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from knarr.machinery.apply.sets import EMPTY, FieldSet, Filter, everything
from knarr.machinery.apply.shapes import Shape

JSON = dict[str, Any]


class Versions(Protocol):
    """The versions of one resource. A tree is converted as a copy."""

    def shape(self, version: str) -> Shape | None:
        """None for a version that is not served any more."""

    def convert(self, tree: JSON, source: str, target: str) -> JSON: ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of an object a write has changed, as sets of fields of one version."""

    taken: FieldSet
    removed: FieldSet


def compare(shape: Shape, old: JSON, new: JSON, owned: Filter = everything) -> Comparison:
    """`owned` keeps what the endpoint writes: what happens to the rest is nobody's doing."""
    found = shape.changes(old, new)
    return Comparison(owned(found.taken or EMPTY), owned(found.removed or EMPTY))


class Comparisons:
    """One write, compared in whichever version is asked for."""

    def __init__(self, versions: Versions, version: str, old: JSON, new: JSON, owned: Filter) -> None:
        self._versions, self._version, self._old, self._new, self._owned = versions, version, old, new, owned
        self._known: dict[str, Comparison | None] = {}

    def at(self, version: str) -> Comparison | None:
        """None for a version that is not served."""
        if version not in self._known:
            self._known[version] = self._compare(version)
        return self._known[version]

    def _compare(self, version: str) -> Comparison | None:
        shape = self._versions.shape(version)
        if shape is None:
            return None
        if version == self._version:
            return compare(shape, self._old, self._new, self._owned)
        old, new = (self._versions.convert(tree, self._version, version) for tree in (self._old, self._new))
        return compare(shape, old, new, self._owned)
