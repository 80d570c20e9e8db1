"""The one way of every write: admission, preparation, validation, effects, commit.

`create_object` and `update_object` take functions that make the object from what is stored *now* and may call them
again: a commit that another writer has overtaken starts from the beginning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import orjson

from knarr.api import gaps
from knarr.api.kind import JSON, Kind
from knarr.api.types import typed
from knarr.apiserver.admission.plugin import Attributes, AwaitedError, Form, Operation
from knarr.apiserver.effects.effect import RefusedError
from knarr.apiserver.effects.table import effects_of
from knarr.apiserver.encoding import form_of, stored_tree, to_stored
from knarr.apiserver.indexing import index_tree
from knarr.apiserver.registry import key_of
from knarr.apiserver.verbs import objectmeta, ownership
from knarr.apiserver.verbs.answers import Stored
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.conversion import bytes_to_store, seen_one
from knarr.apiserver.verbs.deleting import finished
from knarr.apiserver.verbs.parts import MAIN, Part
from knarr.machinery import names
from knarr.machinery.errors import AlreadyExists, APIError, Invalid, Timeout
from knarr.machinery.fielderrors import FieldError
from knarr.machinery.times import format_time
from knarr.storage.cache import Entry
from knarr.storage.store import ConflictError, Write

ATTEMPTS = 50  # of one write against others; each round at least one writer gets through
NAME_ATTEMPTS = 8
PATIENCE = 1.0  # seconds for what a controller is about to create
OVERTAKEN = "the object has been modified; please apply your changes to the latest version and try again"

# Resources whose status is written with the object that a component registers.
_STATUS_AT_CREATION = frozenset({"nodes"})


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client wants an object to become, and the revision that it must be based on (None: any).

    `owned`: its managedFields are already those that it has then.
    """

    tree: JSON
    based_on: int | None = None
    owned: bool = False


Drafting = Callable[[JSON, int], Draft | Awaitable[Draft]]  # from what is stored, and its revision


async def create_object(call: Call, read: Callable[[], Draft]) -> Stored:
    """Create what `read` returns: a defaulted tree of the storage version. Raises APIError."""
    taken = 0
    for _ in range(ATTEMPTS):
        wanted = read()
        tree = wanted.tree
        generated = not tree["metadata"].get("name") and bool(tree["metadata"].get("generateName"))
        try:
            attributes, writes = await _plan_create(call, wanted)
        except AwaitedError as awaited:
            if await call.registry.appears(*awaited.address, PATIENCE):
                continue
            raise awaited.refusal from None
        try:
            return await _commit(call, attributes, tree, writes, 0)
        except ConflictError as conflict:
            await _catch_up(call, conflict)
            taken += conflict.key == writes[0].key
            if conflict.key == writes[0].key and (not generated or taken == NAME_ATTEMPTS):
                raise _already_exists(call, tree["metadata"]["name"], generated) from None
    raise contended(call)


async def _plan_create(call: Call, wanted: Draft) -> tuple[Attributes, list[Write]]:
    kind, tree = call.kind, wanted.tree
    objectmeta.receive(call, tree["metadata"])
    if not wanted.owned:
        ownership.track_creation(call, tree, MAIN)
    tracked = tree["metadata"].get("managedFields")
    attributes = attributes_of(call, "CREATE", tree, None)
    await call.admission.mutate(attributes)
    metadata = tree["metadata"]
    ownership.settle(call, metadata, tracked)
    objectmeta.prepare_create(call, metadata)
    if kind.has_status and kind.qualified_resource not in _STATUS_AT_CREATION:
        _reset_status(call, tree)
    if kind.prepare_create:
        kind.prepare_create(tree)
    _stamp(call, tree, None)
    for effect in effects_of(kind):
        if effect.settle:
            effect.settle(tree, None)
    errors = [*objectmeta.check_name(kind, metadata), *typed(kind.storage_version).validate(tree)]
    errors += kind.validate(tree) if kind.validate else ()
    _refuse(call, tree, errors)
    await call.admission.validate(attributes)
    _warn(call, tree, None)
    extra = plan_effects(call, tree, None)
    key = key_of(kind, call.namespace, metadata["name"])
    return attributes, [Write(key, await bytes_to_store(call, tree), expected=0, ttl=kind.ttl), *extra]


def _reset_status(call: Call, tree: JSON) -> None:
    """A new object has none; as a struct of a published type it is there, and empty."""
    if call.version.own:
        tree.pop("status", None)
    else:
        tree["status"] = {}


async def update_object(
    call: Call, name: str, draft: Drafting, part: Part, *, create: Callable[[], Draft] | None = None
) -> tuple[Stored, bool]:
    """Make of the stored object what `draft(old, revision)` says, as far as `part` may be written; trees are of the
    storage version.

    Returns what is stored now, and whether it was created, by `create`, as there was nothing. A write that changes
    nothing keeps its revision. Raises APIError.
    """
    for _ in range(ATTEMPTS):
        entry = await call.registry.current(call.kind, call.namespace, name)
        if entry is None:
            if create is None:
                raise call.not_found(name)
            try:
                return await create_object(call, create), True
            except AlreadyExists:  # by another writer, at this moment: there is something to update now
                if call.registry.entry(call.kind, call.namespace, name) is None:
                    raise
                continue
        try:
            return await _update(call, await seen_one(call, entry), draft, part), False
        except ConflictError as conflict:
            await _catch_up(call, conflict)
    raise contended(call)


async def _update(call: Call, entry: Entry, draft: Drafting, part: Part) -> Stored:
    old = stored_tree(call.kind, entry.value)
    wanted = draft(old, entry.revision)
    if not isinstance(wanted, Draft):
        wanted = await wanted
    if wanted.based_on is not None and wanted.based_on != entry.revision:
        raise call.conflict(OVERTAKEN, old["metadata"]["name"])
    explicit = wanted.owned or (part.owned and ownership.track_update(call, wanted.tree, old, part))
    tracked = wanted.tree["metadata"].get("managedFields")
    attributes = attributes_of(call, "UPDATE", wanted.tree, old, revision=entry.revision)
    await call.admission.mutate(attributes)
    ownership.settle(call, wanted.tree["metadata"], tracked)
    new = part.merge(call.kind, wanted.tree, old)
    new["metadata"] = {**new["metadata"], "managedFields": wanted.tree["metadata"].get("managedFields")}
    objectmeta.carry_over(call, new["metadata"], old["metadata"])
    if part.prepare and (prepare := part.prepare(call.kind)):
        prepare(new, old)
    _stamp(call, new, old)
    for effect in effects_of(call.kind):
        if effect.settle:
            effect.settle(new, old)
    ownership.keep_unless_changed(new, old, explicit=explicit)
    if new != old:
        if part.counts and call.kind.generation:
            _count_generation(call.kind, new, old)
        _validate_update(call, part, new, old)
    attributes = replace(attributes, object=new)
    await call.admission.validate(attributes)
    if new == old:
        return Stored(entry.value, entry.revision)
    if finished(new):
        return await remove(call, entry, new)
    extra = plan_effects(call, new, old)
    write = Write(entry.key, await bytes_to_store(call, new), expected=entry.revision, ttl=call.kind.ttl)
    return await _commit(call, attributes, new, [write, *extra], entry.revision)


def _stamp(call: Call, new: JSON, old: JSON | None) -> None:
    if call.kind.stamp:
        call.kind.stamp(new, old, format_time(call.registry.clock.now()))


def _count_generation(kind: Kind, new: JSON, old: JSON) -> None:
    """Generation counts changes of what is wanted: of everything but metadata and the subresource status."""
    apart = ("metadata", "status") if kind.has_status else ("metadata",)
    changed = {k: v for k, v in new.items() if k not in apart} != {k: v for k, v in old.items() if k not in apart}
    if changed:
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _validate_update(call: Call, part: Part, new: JSON, old: JSON) -> None:
    kind, model = call.kind, typed(call.kind.storage_version)
    errors: list[FieldError] = [*objectmeta.check_finalizers(new["metadata"], old["metadata"])]
    errors += model.validate_changes(new, old)
    errors += model.validate_update(new, old)
    errors += kind.validate(new) if kind.validate else ()
    rule = part.rule(kind)
    errors += rule(new, old) if rule else ()
    _refuse(call, new, errors)
    _warn(call, new, old)


def _warn(call: Call, new: JSON, old: JSON | None) -> None:
    """What is allowed but hardly meant, and what nobody acts on yet."""
    call.warnings += call.kind.warnings(new, old) if call.kind.warnings else ()
    call.warnings += gaps.warnings(call.kind, new, old)


def _refuse(call: Call, tree: JSON, errors: Iterable[FieldError]) -> None:
    found = list(dict.fromkeys(errors))
    if found:
        raise Invalid.of(call.kind.group, call.kind.kind, tree["metadata"].get("name", ""), found)


def attributes_of(
    call: Call,
    operation: Operation,
    new: JSON | None,
    old: JSON | None,
    *,
    revision: int = 0,
    form: Form | None = None,
    options: JSON | None = None,
) -> Attributes:
    """The write as admission is shown it."""
    source = call.registry.options.random
    return Attributes(
        operation=operation,
        kind=call.kind,
        version=call.version,
        namespace=call.namespace,
        name=call.name or (new or old or {}).get("metadata", {}).get("name", ""),
        object=new,
        old=old,
        user=call.request.user,
        lister=call.registry,
        generate=lambda: names.generate_suffix(source),
        subresource=call.subresource,
        form=form,
        revision=revision,
        dry_run=call.dry_run(),
        seconds=call.seconds(),
        options=call.options(operation) if options is None else options,
        warnings=call.warnings,
    )


async def admit_as(call: Call, tree: JSON, form: Form) -> None:
    """Admission of what is created at a subresource: the body, and not what it does to the object. Raises APIError."""
    metadata = tree.setdefault("metadata", {})
    metadata.setdefault("name", call.name)
    if call.namespace:
        metadata.setdefault("namespace", call.namespace)
    attributes = attributes_of(call, "CREATE", tree, None, form=form)
    await call.admission.mutate(attributes)
    await call.admission.validate(attributes)


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
    return await _commit(call, None, last, [Write(entry.key, None, expected=entry.revision), *extra], entry.revision)


def contended(call: Call) -> Timeout:
    """The answer to a write that others have overtaken again and again."""
    return Timeout(f"too many writers of {call.kind.qualified_resource} at once, please try again", retry_after=1)


async def _commit(
    call: Call, attributes: Attributes | None, tree: JSON, writes: Sequence[Write], revision: int
) -> Stored:
    """Commit the writes with what admission charges for them. Raises APIError, ConflictError."""
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


async def _catch_up(call: Call, conflict: ConflictError) -> None:
    """Wait until the cache shows who was faster."""
    if conflict.current:
        await call.registry.cache.wait(conflict.current.modified)
    else:
        await call.registry.synced()


def _already_exists(call: Call, name: str, generated: bool) -> APIError:
    why = ", the server was not able to generate a unique name for the object" if generated else ""
    return AlreadyExists(
        f'{call.kind.qualified_resource} "{name}" already exists{why}',
        kind=call.kind.plural,
        group=call.kind.group,
        name=name,
    )
