"""Who owns which fields: metadata.managedFields of every write.

A write is tracked as its author meant it, before admission and before the server adds what is its own.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.encoding import api_version, from_storage
from knarr.apiserver.media import META_GROUP
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.parts import Part
from knarr.machinery.apply import managers
from knarr.machinery.apply.elements import ElementError
from knarr.machinery.apply.managers import Managers, ManagersError
from knarr.machinery.apply.tracking import Author, update
from knarr.machinery.apply.views import Versions
from knarr.machinery.errors import Invalid
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required, too_long
from knarr.machinery.times import format_time
from knarr.machinery.trees import copied

log = logging.getLogger(__name__)

_LONGEST = 128  # of a manager's name
_READ = 1024  # characters of what a client calls itself
_NAMELESS = "unknown"
_RESETS: tuple[list[JSON], ...] = ([], [{}])  # what a client sends to have all owners forgotten
_TAMPERED = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests: {}"
)


def author(call: Call, part: Part) -> Author:
    """Who writes: as the request says, or as its User-Agent begins."""
    agent = call.request.http.headers.get("user-agent", "")
    manager = call.request.parameter("fieldManager") or _from_agent(agent[:_READ]) or _NAMELESS
    time = format_time(call.registry.clock.now())
    return Author(manager, api_version(call.kind, call.version), call.subresource, time, part.owns(call.kind))


def check_options(call: Call, *, applied: bool = False) -> None:
    """Hold a write's options against their rules. Raises Invalid."""
    manager = call.request.parameter("fieldManager")
    errors: list[FieldError] = []
    if applied and not manager:
        errors.append(required("fieldManager", "is required for apply patch"))
    if not applied and "force" in call.request.parameters and call.request.info.verb == "patch":
        errors.append(forbidden("force", "may not be specified for non-apply patch"))
    errors += _check_manager(manager) if manager else ()
    if errors:
        raise Invalid.of(META_GROUP, call.options_kind, "", errors)
    call.dry_run()
    call.field_validation()


def track_creation(call: Call, tree: JSON, part: Part, versions: Versions) -> None:
    """Give a new object its first owner, or those that it had elsewhere.

    What `versions` raises leaves the object as it was.
    """
    metadata = tree["metadata"]
    _own(call, part, metadata, _sent(metadata.get("managedFields"), None), ({}, served(call, tree)), versions)


def track_update(call: Call, tree: JSON, old: JSON, part: Part, versions: Versions) -> bool:
    """Give an object, as its author wants it, the owners that it has then; whether he has named owners himself.

    Where nobody is known to own anything, updates make nobody an owner: only applying begins to keep records. What
    `versions` raises leaves the object as it was.
    """
    metadata, live = tree["metadata"], old["metadata"].get("managedFields")
    sent = None if call.subresource else metadata.get("managedFields")
    if known := _sent(sent, live):
        wanted = {**tree, "metadata": {**metadata, "managedFields": live}}
        change = served(call, old), served(call, part.merge(call.kind, wanted, old))
        _own(call, part, metadata, known, change, versions)
    else:
        put(metadata, known)
    return sent is not None and sent != live


def put(metadata: JSON, found: Managers) -> None:
    """Write the entries into an object's metadata."""
    metadata.pop("managedFields", None)
    if found:
        metadata["managedFields"] = managers.written(found)


def settle(call: Call, metadata: JSON, tracked: Any) -> None:
    """After admission: entries that a plugin has spoilt are those from before."""
    current = metadata.get("managedFields")
    if current is tracked or current == tracked:
        return
    try:
        put(metadata, managers.read(current or ()))
    except (ManagersError, AttributeError, TypeError) as error:
        call.warnings.append(_TAMPERED.format(error))
        metadata["managedFields"] = tracked


def keep_unless_changed(new: JSON, old: JSON, *, explicit: bool) -> None:
    """A write of nothing leaves the owners as they were; one that is `explicit` about owners, at least their times."""
    current, before = new["metadata"].get("managedFields"), old["metadata"].get("managedFields")
    if current == before or (explicit and not managers.same_but_times(current, before)):
        return
    metadata = {name: value for name, value in new["metadata"].items() if name != "managedFields"}
    if before:
        metadata["managedFields"] = before
    if metadata == old["metadata"] and {**new, "metadata": metadata} == old:
        new["metadata"] = metadata


def _own(
    call: Call, part: Part, metadata: JSON, known: Managers, change: tuple[JSON, JSON], versions: Versions
) -> None:
    try:
        put(metadata, update(known, versions, *change, author(call, part)))
    except ElementError as error:
        # A list whose items cannot be told apart or a value of another type, hardly valid: owners stay as they were.
        log.debug("%s %s/%s: owners not updated: %s", call.resource, call.namespace, call.name, error)
        put(metadata, known)


def _sent(sent: Any, live: Any) -> Managers:
    """The entries that a write starts from: the client's, where it sends some that make sense, or the stored ones."""
    if sent is None or sent == live:
        return managers.stored(live)
    if sent in _RESETS:
        return {}
    try:
        return managers.read(sent)
    except ManagersError:
        return managers.stored(live)


def served(call: Call, tree: JSON) -> JSON:
    """A tree of the storage version in the request's."""
    return from_storage(call.version, copied(tree)) if call.version.from_storage else tree


@lru_cache(maxsize=1024)
def _from_agent(agent: str) -> str:
    """What stands before the first slash, as far as it is printable and fits."""
    name = "".join(character for character in agent.partition("/")[0] if character.isprintable())
    return name.encode()[:_LONGEST].decode(errors="ignore")


def _check_manager(manager: str) -> list[FieldError]:
    errors = [too_long("fieldManager", _LONGEST)] if len(manager.encode()) > _LONGEST else []
    for position, character in enumerate(manager):
        if not character.isprintable():
            why = f"invalid character U+{ord(character):04X} (at position {position})"
            errors.append(invalid("fieldManager", manager, why))
    return errors
