"""DELETE of one object and of collections."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import orjson

from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import key_of
from knarr.apiserver.verbs import deleteoptions, unreadable
from knarr.apiserver.verbs.answers import Stored, object_answer, success
from knarr.apiserver.verbs.attributes import attributes_of
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.committing import insist, remove
from knarr.apiserver.verbs.conversion import seen_value
from knarr.apiserver.verbs.deleting import DeleteOptions, finished, mark
from knarr.apiserver.verbs.list import chosen_entries, list_answer
from knarr.apiserver.verbs.listoptions import read as read_list_options
from knarr.machinery.errors import Conflict, NotFound
from knarr.storage.cache import Entry
from knarr.storage.store import Write
from knarr.wire.messages import Answer

# Whose deletion is answered with the object itself, as upstream's registries are configured (ReturnDeletedObject).
_ANSWERED_WITH_OBJECT = frozenset(
    {
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
        "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)
_AT_ONCE = 100  # of a collection, so that the store commits them together


async def delete(call: Call) -> Answer:
    """Delete one object, or start doing so."""
    options = _options(call)
    if options.unread:
        return await unreadable.delete(call)
    stored, gone = await delete_object(call, call.name, options)
    if not gone:
        shown = Stored(await seen_value(call, stored.value), stored.revision)
        return object_answer(call, shown, 202 if options.cascades else 200)
    if call.kind.qualified_resource in _ANSWERED_WITH_OBJECT:
        return object_answer(call, stored)
    uid = orjson.loads(stored.value)["metadata"]["uid"]
    details = {"name": call.name, "group": call.kind.group, "kind": call.kind.plural, "uid": uid}
    return success(call, details=details)


async def delete_collection(call: Call) -> Answer:
    """Delete what a list with the same options would show; answered with that list."""
    options = _options(call)
    if options.unread:
        raise unreadable.not_of_many(call)
    entries, metadata = await chosen_entries(call, read_list_options(call))
    for start in range(0, len(entries), _AT_ONCE):
        await asyncio.gather(*(_delete_if_there(call, e, options) for e in entries[start : start + _AT_ONCE]))
    return await list_answer(call, entries, metadata)


def _options(call: Call) -> DeleteOptions:
    options = deleteoptions.read(call)
    if call.kind.orphan_warning and not options.policy:
        call.warnings.append(call.kind.orphan_warning)
    return options


async def _delete_if_there(call: Call, entry: Entry, options: DeleteOptions) -> None:
    namespace, name = entry.key.split("/")[-2:]
    with suppress(NotFound):  # somebody else was faster
        await delete_object(call, name, options, namespace=namespace if call.kind.namespaced else "")


async def delete_object(
    call: Call, name: str, options: DeleteOptions, *, namespace: str | None = None
) -> tuple[Stored, bool]:
    """Returns the object as it is now, or was at last, and whether it is gone. Raises APIError."""
    found = call.namespace if namespace is None else namespace

    async def attempt() -> tuple[Stored, bool]:
        entry = await call.registry.current(call.kind, found, name)
        if entry is None:
            raise call.not_found(name)
        return await _delete(call, entry, options)

    return await insist(call, key_of(call.kind, found, name), attempt)


async def _delete(call: Call, entry: Entry, options: DeleteOptions) -> tuple[Stored, bool]:
    old = orjson.loads(entry.value)
    _check_preconditions(call, entry, old["metadata"], options)
    shown = deleteoptions.shown(call, options)
    attributes = attributes_of(call, "DELETE", None, old, revision=entry.revision, options=shown)
    await call.admission.mutate(attributes)
    await call.admission.validate(attributes)
    new = orjson.loads(entry.value)
    mark(call.kind, new, options, call.registry.clock.now())
    if finished(new):
        return await remove(call, entry, old), True
    value = to_stored(new)
    if value == entry.value or call.dry_run():
        return Stored(value, entry.revision), False
    write = Write(entry.key, value, expected=entry.revision, ttl=call.kind.ttl)
    return Stored(value, await call.registry.commit([write])), False


def _check_preconditions(call: Call, entry: Entry, metadata: dict[str, str], options: DeleteOptions) -> None:
    for name, wanted, found, what in (
        ("UID", options.uid, metadata["uid"], "deleted and then recreated"),
        ("ResourceVersion", options.resource_version, str(entry.revision), "modified"),
    ):
        if wanted and wanted != found:
            raise _unmet(call, metadata["name"], name, wanted, found, what)


def _unmet(call: Call, name: str, field: str, wanted: str, found: str, what: str) -> Conflict:
    """It names the kind where other conflicts name the resource."""
    kind = call.kind
    why = f"the {field} in the precondition ({wanted}) does not match the {field} in record ({found})."
    where = f'{kind.kind}.{kind.group} "{name}"' if kind.group else f'{kind.kind} "{name}"'
    return Conflict(
        f"Operation cannot be fulfilled on {where}: {why} The object might have been {what}",
        kind=kind.kind,
        group=kind.group,
        name=name,
    )
