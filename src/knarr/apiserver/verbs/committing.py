"""The end of every write: its effects, what it is charged, the commit, and what becomes of who is overtaken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import orjson

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.effects.effect import RefusedError
from knarr.apiserver.effects.table import effects_of
from knarr.apiserver.encoding import form_of, to_stored
from knarr.apiserver.indexing import index_tree
from knarr.apiserver.verbs.answers import Stored
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import Invalid, Timeout
from knarr.storage.cache import Entry
from knarr.storage.store import ConflictError, Write

T = TypeVar("T")
ATTEMPTS = 50  # of one write against others; each round at least one writer gets through


def plan_effects(call: Call, new: JSON | None, old: JSON | None) -> list[Write]:
    """The writes that go with the object's. Raises Invalid."""
    try:
        return [write for effect in effects_of(call.kind) for write in effect.plan(call.registry, new, old)]
    except RefusedError as refusal:
        name = (new or old or {})["metadata"]["name"]
        raise Invalid.of(call.kind.group, call.kind.kind, name, [refusal.error]) from None


async def remove(call: Call, entry: Entry, last: JSON) -> Stored:
    """Delete an entry for good, with its effects undone; returns its last state. Raises ConflictError."""
    extra = plan_effects(call, None, orjson.loads(entry.value))
    return await commit(call, None, last, [Write(entry.key, None, expected=entry.revision), *extra], entry.revision)


async def insist(call: Call, key: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Attempt to change the object until no other writer is faster: the first time at once, then in turns. Raises
    APIError.
    """
    turns = call.registry.turns
    if not turns.taken(key):
        try:
            return await attempt()
        except ConflictError as conflict:
            await catch_up(call, conflict)
    async with turns.turn(key):
        for _ in range(ATTEMPTS):
            try:
                return await attempt()
            except ConflictError as conflict:
                await catch_up(call, conflict)
    raise contended(call)


def contended(call: Call) -> Timeout:
    """The answer to a write that others have overtaken again and again."""
    return Timeout(f"too many writers of {call.kind.qualified_resource} at once, please try again", retry_after=1)


async def commit(
    call: Call, attributes: Attributes | None, tree: JSON, writes: Sequence[Write], revision: int
) -> Stored:
    """Commit the writes, the object's first, with what admission charges for them; `revision` is that which a dry run
    tells. Raises APIError, ConflictError.
    """
    value = writes[0].value
    result = Stored(value if value and not call.kind.converter else to_stored(tree), revision, _form(call))
    if value and not call.kind.converter and not call.dry_run():
        stored = call.registry.find(call.kind.group, call.kind.plural) or call.kind
        call.registry.cache.foresee(value, *index_tree(stored, tree), result.encodings)
    charges = call.admission.charges(attributes) if attributes else ()
    if attributes is None or not charges:
        return await _settle(call, writes, result)
    turn = call.admission.turn(attributes.namespace)
    stale = turn.locked()
    async with turn:
        if stale:
            charges = call.admission.charges(attributes)
        return await _settle(call, [*writes, *charges], result)


def _form(call: Call) -> object:
    """The form that a custom resource's stored bytes are already, fresh as they are."""
    version, stored = call.version, call.kind.storage_version
    return form_of(version) if version.own and version.name == stored.name and not call.kind.converter else None


async def _settle(call: Call, writes: Sequence[Write], result: Stored) -> Stored:
    if call.dry_run():
        return _rehearse(call, writes, result)
    return Stored(result.value, await call.registry.commit(writes), result.form)


def _rehearse(call: Call, writes: Sequence[Write], result: Stored) -> Stored:
    """What a dry run finds out: whether the object's own key is as expected. Raises ConflictError."""
    entry = call.registry.cache.get(writes[0].key)
    if writes[0].expected == 0 and entry is not None:
        raise ConflictError(entry.key, None)
    return result


async def catch_up(call: Call, conflict: ConflictError) -> None:
    """Wait until the cache shows who was faster."""
    if conflict.current:
        await call.registry.cache.wait(conflict.current.modified)
    else:
        await call.registry.synced()
