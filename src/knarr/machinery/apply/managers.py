"""The entries of metadata.managedFields: one for each manager, operation, version and subresource.

Entries are JSON objects that are replaced, never changed; one that a write does not touch stays the object it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from knarr.machinery.apply.elements import ElementError
from knarr.machinery.apply.sets import FieldSet, decoded, difference, union

APPLY, UPDATE = "Apply", "Update"
UPDATERS_LIMIT = 10
ANCIENT = "ancient-changes"
_TYPE = "FieldsV1"


class Identity(NamedTuple):
    """What tells managers apart; an applier is the same one in every version."""

    manager: str
    operation: str
    version: str
    subresource: str


Entry = Mapping[str, Any]
Managers = dict[Identity, Entry]


class ManagersError(ValueError):
    """Entries that make no sense."""


def identity(manager: str, operation: str, version: str, subresource: str) -> Identity:
    return Identity(manager, operation, "" if operation == APPLY else version, subresource)


def stored(entries: Any) -> Managers:
    """The entries of an object that the server itself has stored."""
    return {_identity_of(entry): entry for entry in entries or ()}


def read(entries: Any) -> Managers:
    """Entries as a client sent them, checked and in their one form. Raises ManagersError."""
    try:
        return {_identity_of(entry): _checked(entry, index) for index, entry in enumerate(entries)}
    except ElementError as error:
        raise ManagersError(str(error)) from None


def written(managers: Managers) -> list[Entry]:
    """The entries in the order in which they are served: appliers first, then by time."""
    entries = list(managers.values())
    return sorted(entries, key=_order) if len(entries) > 1 else entries


def entry(who: Identity, version: str, fields: FieldSet, time: str) -> Entry:
    """A new entry; `time` is RFC 3339 in UTC."""
    rest = {"subresource": who.subresource} if who.subresource else {}
    head: dict[str, Any] = {"manager": who.manager, "operation": who.operation, "apiVersion": version}
    return {**head, "time": time, "fieldsType": _TYPE, "fieldsV1": fields, **rest}


def fields_of(found: Entry | None) -> FieldSet:
    fields: FieldSet = found.get("fieldsV1", {}) if found else {}
    return fields


def with_fields(found: Entry, fields: FieldSet) -> Entry:
    return {**found, "fieldsV1": fields}


def deprive(managers: Managers, who: Identity, fields: FieldSet) -> None:
    """Take fields from a manager; one that owns nothing more is no manager."""
    found = managers[who]
    before = fields_of(found)
    rest = difference(before, fields)
    if not rest:
        del managers[who]
    elif rest is not before:
        managers[who] = with_fields(found, rest)


def cap(managers: Managers) -> None:
    """Merge the oldest entries of updates, version by version, while there are too many of them."""
    updaters = [who for who in managers if who.operation == UPDATE]
    surplus = len(updaters) - UPDATERS_LIMIT
    if surplus <= 0:
        return
    updaters.sort(key=lambda who: (managers[who].get("time") or "", who))
    firsts: dict[str, Identity] = {}
    for who in updaters:
        if surplus <= 0:
            break
        version = who.version
        if version not in firsts:
            firsts[version] = who
            continue
        bucket = Identity(ANCIENT, UPDATE, version, "")
        older, newer = managers.get(bucket) or managers.pop(firsts[version]), managers.pop(who)
        fields = union(fields_of(older), fields_of(newer))
        managers[bucket] = entry(bucket, version, fields, str(newer.get("time") or ""))
        surplus -= 1


def same_but_times(left: Any, right: Any) -> bool:
    """Whether two lists of entries say the same, apart from when."""
    return _timeless(left) == _timeless(right)


def _timeless(entries: Any) -> dict[Identity, tuple[Any, Any]]:
    return {who: (found.get("apiVersion"), found.get("fieldsV1")) for who, found in stored(entries).items()}


def _identity_of(found: Entry) -> Identity:
    operation = str(found.get("operation", ""))
    version = "" if operation == APPLY else str(found.get("apiVersion", ""))
    return Identity(str(found.get("manager", "")), operation, version, str(found.get("subresource", "")))


def _checked(found: Entry, index: int) -> Entry:
    if found.get("operation") not in (APPLY, UPDATE):
        raise ManagersError("operation must be `Apply` or `Update`")
    if not found.get("apiVersion"):
        raise ManagersError("apiVersion must not be empty")
    if not found.get("fieldsType"):
        raise ManagersError(f"missing fieldsType in managed fields entry {index}")
    if found["fieldsType"] != _TYPE:
        raise ManagersError(f'invalid fieldsType "{found["fieldsType"]}" in managed fields entry {index}')
    return with_fields(found, decoded(found.get("fieldsV1") or {}))


def _order(found: Entry) -> tuple[str, ...]:
    names = ("operation", "time", "manager", "apiVersion", "subresource")
    return tuple(str(found.get(name) or "") for name in names)
