"""Owners of fields across a kind's versions: an entry of managedFields names fields of the version it was written in.

What merges and compares is pure; where somebody has to be asked what an object is in another version (kinds with a
`converter`), it is stopped, and begun anew when the answer is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from knarr.api.kind import JSON, Kind, Version
from knarr.api.types import typed
from knarr.apiserver.encoding import api_version, from_storage, to_storage
from knarr.apiserver.verbs.call import Call
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.apply.views import Versions
from knarr.machinery.errors import APIError
from knarr.machinery.trees import canonical_bytes, copied

log = logging.getLogger(__name__)
T = TypeVar("T")


class UnconvertedError(Exception):
    """A tree that somebody has to convert first."""

    def __init__(self, tree: JSON, version: str) -> None:
        super().__init__(version)
        self.tree, self.version = tree, version


class KindVersions:
    """The `Versions` in which a call's objects are served, in all groups, where functions convert them."""

    def __init__(self, call: Call) -> None:
        self._kind, self._kinds = call.kind, call.registry.kinds

    def shape(self, version: str) -> Shape | None:
        found = self._find(version)
        return typed(found).ownership if found else None

    def convert(self, tree: JSON, source: str, target: str) -> JSON:
        before, after = self._find(source), self._find(target)
        if source == target or not tree or before is None or after is None:
            return tree
        return from_storage(after, to_storage(before, copied(tree)))

    def _find(self, version: str) -> Version | None:
        found = _named(self._kind, version)
        others = () if found else self._kinds.sharing(self._kind.prefix)
        return found or next(filter(None, (_named(other, version) for other in others)), None)


def _named(kind: Kind, version: str) -> Version | None:
    return next((v for v in (*kind.versions, kind.storage_version) if api_version(kind, v) == version), None)


class ConvertedVersions(KindVersions):
    """The `Versions` of a kind with a converter, as far as trees have been converted. Raises UnconvertedError."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._known: dict[tuple[bytes, str], JSON] = {}

    def convert(self, tree: JSON, source: str, target: str) -> JSON:
        if source == target or not tree:
            return tree
        found = self._known.get((canonical_bytes(tree), target))
        if found is None:
            raise UnconvertedError(tree, target)
        return copied(found)

    def learn(self, tree: JSON, version: str, converted: JSON) -> None:
        after = self._find(version)
        self._known[canonical_bytes(tree), version] = from_storage(after, converted) if after else converted


class Namesakes(KindVersions):
    """Where nobody can be asked: fields of other versions are held against this one's, by name."""

    def convert(self, tree: JSON, source: str, target: str) -> JSON:
        return tree

    def _find(self, version: str) -> Version | None:
        return self._kind.storage_version


async def across(call: Call, work: Callable[[Versions], T], *, strict: bool = True) -> T:
    """What `work` makes of the kind's versions; it may be called several times.

    Raises APIError where somebody cannot be asked for a conversion; unless `strict`, names have to do then.
    """
    converter = call.kind.converter
    if converter is None:
        return work(KindVersions(call))
    versions = ConvertedVersions(call)
    while True:
        try:
            return work(versions)
        except UnconvertedError as wanted:
            asked = wanted
        try:
            (found,) = await converter.convert([copied(asked.tree)], asked.version)
        except APIError as error:
            if strict:
                raise
            log.warning("owners of fields of %s are told by the fields' names alone: %s", call.resource, error)
            return work(Namesakes(call))
        versions.learn(asked.tree, asked.version, found)
