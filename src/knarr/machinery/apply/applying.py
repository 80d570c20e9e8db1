"""What an applied configuration does: it is merged in, and what its manager no longer names goes; what it changes and
others own is a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from knarr.machinery.apply.managers import APPLY, UPDATE, Entry, Identity, Managers, entry, fields_of, with_fields
from knarr.machinery.apply.sets import EMPTY, FieldSet, difference, intersection, paths, union
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.apply.tracking import UNOWNED, Author, conflicts, yield_fields
from knarr.machinery.apply.views import JSON, Comparisons, Versions


class Conflict(NamedTuple):
    """Fields that somebody else owns, and the configuration would change."""

    who: Identity
    version: str
    fields: FieldSet

    def __str__(self) -> str:
        """As messages name the manager."""
        name = f'"{self.who.manager}"'
        if self.who.subresource:
            name += f' with subresource "{self.who.subresource}"'
        return f"{name} using {self.version}" if self.who.operation == UPDATE else name


class ConflictsError(Exception):
    """Others own what the configuration would change; the text is upstream's."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = sorted(conflicts, key=lambda conflict: conflict.who)
        super().__init__(self.message)

    @property
    def named(self) -> list[tuple[Conflict, str]]:
        """Each field that is in conflict, with who owns it."""
        return [(conflict, path) for conflict in self.conflicts for path in paths(conflict.fields)]

    @property
    def message(self) -> str:
        named = self.named
        if len(named) == 1:
            return f"Apply failed with 1 conflict: conflict with {named[0][0]}: {named[0][1]}"
        lines: list[str] = []
        for conflict in self.conflicts:
            lines += [f"conflicts with {conflict}:", *(f"- {path}" for path in paths(conflict.fields))]
        return f"Apply failed with {len(named)} conflicts: " + "\n".join(lines)


class Applied(NamedTuple):
    """The object as it becomes, before defaults, and the entries."""

    tree: JSON
    managers: Managers


def apply(
    managers: Managers, versions: Versions, live: JSON, config: JSON, author: Author, *, force: bool = False
) -> Applied:
    """Apply a configuration that has been checked; trees are of the author's version, without managedFields.

    Raises ConflictsError, and ElementError where a stored list cannot be told apart into items.
    """
    shape = versions.shape(author.version)
    assert shape, author.version
    who = author.identity(APPLY)
    before, owned = managers.get(who), author.owned(shape.owned(config) or EMPTY)
    after = {**managers, who: entry(who, author.version, owned, author.time)}
    tree = shape.merged(live, config)
    if before:
        tree = _pruned(tree, versions, after, before, author.version)
    comparisons = Comparisons(versions, author.version, live, tree, author.owned)
    _take(after, who, comparisons, force)
    own = difference(fields_of(after.get(who)), UNOWNED)
    _settle(after, who, own, before, author, changed=tree != live)
    return Applied(tree, after)


def _take(managers: Managers, who: Identity, comparisons: Comparisons, force: bool) -> None:
    """Take what the configuration changes from the others. Raises ConflictsError unless forced."""
    others = [other for other in managers if other != who]
    if not force:
        found = [Conflict(o, str(managers[o]["apiVersion"]), conflicts(managers, o, comparisons)) for o in others]
        if any(conflict.fields for conflict in found):
            raise ConflictsError([conflict for conflict in found if conflict.fields])
    for other in others:
        yield_fields(managers, other, comparisons)


def _settle(
    managers: Managers, who: Identity, own: FieldSet, before: Entry | None, author: Author, *, changed: bool
) -> None:
    """The applier's own entry; its time moves only with the object, or with what it owns."""
    if not own:
        managers.pop(who, None)
    elif before and not changed and own == fields_of(before) and before["apiVersion"] == author.version:
        managers[who] = before
    else:
        managers[who] = with_fields(managers[who], own)


def _pruned(tree: JSON, versions: Versions, managers: Managers, before: Entry, version: str) -> JSON:
    """The tree without what its applier owned, no longer names, and nobody else owns."""
    last, past = fields_of(before), str(before["apiVersion"])
    shape = versions.shape(past)
    if shape is None or (past == version and not difference(last, _all_at(managers, version))):
        return tree
    merged = versions.convert(tree, version, past)
    last = shape.named(last)
    rest = _without(shape, merged, last)
    for other in sorted({str(found["apiVersion"]) for found in managers.values()}, key=lambda v: (v != past, v)):
        rest = _with_owned(versions, merged, rest, past, other, _all_at(managers, other))
    gone = difference(_members(shape, merged), _members(shape, rest))
    return versions.convert(_without(shape, merged, intersection(gone, last)), past, version)


def _with_owned(versions: Versions, merged: JSON, rest: JSON, past: str, version: str, owned: FieldSet) -> JSON:
    """The rest of a tree, with what of it anybody owns in this version."""
    shape = versions.shape(version)
    if shape is None:
        return rest
    whole, part = (versions.convert(tree, past, version) for tree in (merged, rest))
    kept = union(_members(shape, part), shape.named(owned))
    return versions.convert(_without(shape, whole, difference(_members(shape, whole), kept)), version, past)


def _all_at(managers: Managers, version: str) -> FieldSet:
    """What anybody owns in this version."""
    owned = EMPTY
    for found in managers.values():
        if found["apiVersion"] == version:
            owned = union(owned, fields_of(found))
    return owned


def _members(shape: Shape, tree: JSON) -> FieldSet:
    return shape.named(shape.owned(tree) or EMPTY)


def _without(shape: Shape, tree: JSON, unwanted: FieldSet) -> JSON:
    return (shape.without(tree, unwanted) or {}) if unwanted else tree
