"""The one way of every write: admission, preparation, validation, effects, commit.

`create_object` and `update_object` take functions that make the object from what is stored *now* and may call them
again: a commit that another writer has overtaken starts from the beginning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from knarr.api import gaps
from knarr.api.kind import JSON, Kind, OwnType
from knarr.api.types import type_of, typed
from knarr.apiserver.admission.plugin import Attributes, AwaitedError
from knarr.apiserver.effects.table import effects_of
from knarr.apiserver.encoding import stored_tree
from knarr.apiserver.metrics.families import RULES_DURATION
from knarr.apiserver.registry import key_of
from knarr.apiserver.verbs import objectmeta, ownership
from knarr.apiserver.verbs.across import across
from knarr.apiserver.verbs.answers import Stored
from knarr.apiserver.verbs.attributes import attributes_of
from knarr.apiserver.verbs.authorizing import require_create
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.committing import ATTEMPTS, catch_up, commit, contended, insist, plan_effects, remove
from knarr.apiserver.verbs.conversion import bytes_to_store, seen_one
from knarr.apiserver.verbs.deleting import finished
from knarr.apiserver.verbs.parts import MAIN, Part
from knarr.machinery.apply.views import Versions
from knarr.machinery.errors import AlreadyExists, APIError, Invalid
from knarr.machinery.fielderrors import FieldError
from knarr.machinery.times import format_time
from knarr.storage.cache import Entry
from knarr.storage.store import ConflictError, Write

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


T = TypeVar("T")
Drafting = Callable[[JSON, int], Draft | Awaitable[Draft]]  # from what is stored, and its revision


async def create_object(call: Call, read: Callable[[], Draft], *, implied: bool = False) -> Stored:
    """Create what `read` returns: a defaulted tree of the storage version. `implied`: by a verb that means to change
    something. Raises APIError.
    """
    taken = 0
    for _ in range(ATTEMPTS):
        wanted = read()
        tree = wanted.tree
        generated = not tree["metadata"].get("name") and bool(tree["metadata"].get("generateName"))
        try:
            attributes, writes = await _plan_create(call, wanted, implied=implied)
        except AwaitedError as awaited:
            if await call.registry.appears(*awaited.address, PATIENCE):
                continue
            raise awaited.refusal from None
        try:
            return await commit(call, attributes, tree, writes, 0)
        except ConflictError as conflict:
            await catch_up(call, conflict)
            taken += conflict.key == writes[0].key
            if conflict.key == writes[0].key and (not generated or taken == NAME_ATTEMPTS):
                raise _already_exists(call, tree["metadata"]["name"], generated) from None
    raise contended(call)


async def _plan_create(call: Call, wanted: Draft, *, implied: bool) -> tuple[Attributes, list[Write]]:
    kind, tree = call.kind, wanted.tree
    objectmeta.receive(call, tree["metadata"])
    if not wanted.owned:
        await _track(call, lambda versions: ownership.track_creation(call, tree, MAIN, versions))
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
    errors = [*objectmeta.check_name(kind, metadata), *objectmeta.check_finalizers(kind, metadata, None)]
    errors += typed(kind.storage_version).validate(tree)
    for rule in (kind.validate, kind.validate_create):
        errors += rule(tree) if rule else ()
    if (own := kind.storage_version.own) and own.has_rules:
        errors += await _asked(call, own, tree, None, errors)
    _refuse(call, tree, errors)
    if implied:
        await require_create(call)
    await call.admission.validate(attributes)
    _warn(call, tree, None)
    extra = plan_effects(call, tree, None)
    key = key_of(kind, call.namespace, metadata["name"])
    return attributes, [Write(key, await bytes_to_store(call, tree), expected=0, ttl=kind.ttl), *extra]


def _reset_status(call: Call, tree: JSON) -> None:
    """A new object has none; as a struct of a published type it is there, and says nothing yet."""
    if call.version.own:
        tree.pop("status", None)
    else:
        tree["status"] = type_of(call.kind.storage_version.definition).blank_status()


async def update_object(
    call: Call, name: str, draft: Drafting, part: Part, *, create: Callable[[], Draft] | None = None
) -> tuple[Stored, bool]:
    """Make of the stored object what `draft(old, revision)` says, as far as `part` may be written; trees are of the
    storage version.

    Returns what is stored now, and whether it was created, by `create`, as there was nothing. A write that changes
    nothing keeps its revision. Raises APIError.
    """

    async def attempt() -> tuple[Stored, bool]:
        entry = await call.registry.current(call.kind, call.namespace, name)
        if entry is not None:
            return await _update(call, await seen_one(call, entry), draft, part), False
        if create is None:
            raise call.not_found(name)
        try:
            return await create_object(call, create, implied=True), True
        except AlreadyExists:  # by another writer, at this moment
            made = call.registry.entry(call.kind, call.namespace, name)
            if made is None:
                raise
            raise ConflictError(made.key, None) from None  # there is something to update now

    return await insist(call, key_of(call.kind, call.namespace, name), attempt)


async def _update(call: Call, entry: Entry, draft: Drafting, part: Part) -> Stored:
    old = stored_tree(call.kind, entry.value)
    wanted = draft(old, entry.revision)
    if not isinstance(wanted, Draft):
        wanted = await wanted
    if wanted.based_on is not None and wanted.based_on != entry.revision:
        raise call.conflict(OVERTAKEN, old["metadata"]["name"])
    objectmeta.check_uid(call, wanted.tree["metadata"].get("uid"), old["metadata"]["uid"])
    explicit = wanted.owned
    if part.owned and not wanted.owned:
        explicit = await _track(call, lambda versions: ownership.track_update(call, wanted.tree, old, part, versions))
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
        await _validate_update(call, part, new, old)
    attributes.object = new
    await call.admission.validate(attributes)
    if new == old and not await call.registry.stale(entry.key):
        return Stored(entry.value, entry.revision)
    if finished(new):
        return await remove(call, entry, new)
    extra = plan_effects(call, new, old)
    write = Write(entry.key, await bytes_to_store(call, new), expected=entry.revision, ttl=call.kind.ttl)
    return await commit(call, attributes, new, [write, *extra], entry.revision)


def _track(call: Call, track: Callable[[Versions], T]) -> Awaitable[T]:
    """Say who owns what. A write does not fail since owners of other versions cannot be told."""
    return across(call, track, strict=False)


def _stamp(call: Call, new: JSON, old: JSON | None) -> None:
    if call.kind.stamp:
        call.kind.stamp(new, old, format_time(call.registry.clock.now()))


def _count_generation(kind: Kind, new: JSON, old: JSON) -> None:
    """Generation counts changes of what is wanted: of everything but metadata and the subresource status."""
    apart = ("metadata", "status") if kind.has_status else ("metadata",)
    changed = {k: v for k, v in new.items() if k not in apart} != {k: v for k, v in old.items() if k not in apart}
    if kind.counts(new, old) if kind.counts else changed:
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


async def _validate_update(call: Call, part: Part, new: JSON, old: JSON) -> None:
    kind, model = call.kind, typed(call.kind.storage_version)
    errors: list[FieldError] = [*objectmeta.check_finalizers(kind, new["metadata"], old["metadata"])]
    errors += model.validate_changes(new, old)
    errors += model.validate_update(new, old)
    errors += kind.validate(new) if kind.validate else ()
    rule = part.rule(kind)
    errors += rule(new, old) if rule else ()
    if (own := kind.storage_version.own) and own.has_rules:
        errors += await _asked(call, own, new, old, errors)
    _refuse(call, new, errors)
    _warn(call, new, old)


async def _asked(call: Call, own: OwnType, new: JSON, old: JSON | None, errors: list[FieldError]) -> list[FieldError]:
    """What the rules of a custom resource say of an object."""
    clock = call.registry.clock
    begun = clock.monotonic()
    found = await call.registry.aside.do(lambda here: own.ask(new, old, errors, here))
    call.registry.metrics.spread(RULES_DURATION).observe(clock.monotonic() - begun)
    return found


def _warn(call: Call, new: JSON, old: JSON | None) -> None:
    """What is allowed but hardly meant, and what nobody acts on yet."""
    call.warnings += call.kind.warnings(new, old) if call.kind.warnings else ()
    call.warnings += gaps.warnings(call.kind, new, old)


def _refuse(call: Call, tree: JSON, errors: Iterable[FieldError]) -> None:
    found = list(dict.fromkeys(errors))
    if found:
        raise Invalid.of(call.kind.group, call.kind.kind, tree["metadata"].get("name", ""), found)


def _already_exists(call: Call, name: str, generated: bool) -> APIError:
    why = ", the server was not able to generate a unique name for the object" if generated else ""
    return AlreadyExists(
        f'{call.kind.qualified_resource} "{name}" already exists{why}',
        kind=call.kind.plural,
        group=call.kind.group,
        name=name,
        retry_after=int(generated),
    )
