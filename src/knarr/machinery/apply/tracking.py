"""What an update does to the entries: who writes a field owns it, who owned it does so no longer."""

from __future__ import annotations

from typing import NamedTuple

from knarr.machinery.apply.managers import (
    UPDATE,
    Identity,
    Managers,
    cap,
    deprive,
    entry,
    fields_of,
    identity,
)
from knarr.machinery.apply.sets import EMPTY, LEAF, FieldSet, Filter, difference, everything, intersection, union
from knarr.machinery.apply.views import JSON, Comparison, Comparisons, Versions

# Identity and what the server writes has no owner.
_UNOWNED_METADATA = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
)
UNOWNED: FieldSet = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {".": LEAF, **{f"f:{name}": LEAF for name in _UNOWNED_METADATA}},
}


class Author(NamedTuple):
    """Who writes, through what: `owned` keeps those fields that the endpoint writes."""

    manager: str
    version: str
    subresource: str
    time: str  # RFC 3339
    owned: Filter = everything

    def identity(self, operation: str) -> Identity:
        return identity(self.manager, operation, self.version, self.subresource)


def update(managers: Managers, versions: Versions, old: JSON, new: JSON, author: Author) -> Managers:
    """The entries after an update from `old` to `new`, trees of the author's version without managedFields.

    Raises ElementError where a list cannot be told apart into items.
    """
    comparisons = Comparisons(versions, author.version, old, new, author.owned)
    after, who = dict(managers), author.identity(UPDATE)
    for other in managers:
        yield_fields(after, other, comparisons)
    found = comparisons.at(author.version) or Comparison(EMPTY, EMPTY)
    taken = difference(found.taken, UNOWNED)
    if taken:
        fields = union(fields_of(after.get(who)), taken)
        after[who] = entry(who, author.version, fields, author.time)
        cap(after)
    return after


def yield_fields(managers: Managers, who: Identity, comparisons: Comparisons) -> None:
    """Take from a manager what the write changed, and the whole entry where its version is gone."""
    found = comparisons.at(str(managers[who]["apiVersion"]))
    if found is None:
        del managers[who]
        return
    for fields in (found.taken, found.removed):
        if fields and who in managers:
            deprive(managers, who, fields)


def conflicts(managers: Managers, who: Identity, comparisons: Comparisons) -> FieldSet:
    """What the write changes of a manager's fields."""
    found = comparisons.at(str(managers[who]["apiVersion"]))
    return intersection(fields_of(managers[who]), found.taken) if found else EMPTY
