"""The end of a definition: its objects are deleted, and when the last is gone, so is the definition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

import orjson

from knarr.api.conditions import is_true
from knarr.api.custom.definitions import set_condition
from knarr.api.kind import JSON, Kind
from knarr.api.kinds import customresourcedefinitions
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, tree_of
from knarr.apiserver.verbs.deleting import DeleteOptions, finished, mark
from knarr.machinery.times import format_time
from knarr.storage.cache import Entry
from knarr.storage.store import ConflictError, StoreError, Write

log = logging.getLogger(__name__)

_DEFINITIONS = customresourcedefinitions.KIND
_AT_ONCE = 100  # objects, so that the store commits them together
_RETRY_SECONDS = 1.0


class Cleanup:
    """One task for each definition that goes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str) -> None:
        """See a definition off; once is enough."""
        if name not in self._tasks:
            task = asyncio.create_task(self._run(name), name=f"cleanup of {name}")
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name, None))

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _run(self, name: str) -> None:
        while entry := self._registry.entry(_DEFINITIONS, "", name):
            try:
                if await self._step(entry):
                    return
            except ConflictError:
                await self._registry.synced()
            except StoreError as error:
                log.warning("the objects of %s cannot be deleted: %s", name, error)
                await self._registry.clock.sleep(_RETRY_SECONDS)

    async def _step(self, entry: Entry) -> bool:
        """Delete what is left, or the definition itself; whether it is done."""
        crd, cache = tree_of(entry), self._registry.cache
        prefix = f"/registry/{crd['spec']['group']}/{crd['spec']['names']['plural']}/"
        changed = asyncio.Event()
        subscription = cache.subscribe(prefix, cache.revision, lambda _: changed.set(), changed.set)
        try:
            left = cache.range(prefix) if is_true(crd, "Established") else ()
            if not left:
                await self._finish(entry, crd)
                return True
            await self._note(entry, crd)
            if not await self._delete(left):
                await changed.wait()
        finally:
            subscription.close()
        return False

    async def _delete(self, entries: Iterable[Entry]) -> bool:
        """Ask for the deletion of all that is not being deleted yet; whether there was any."""
        writes = [write for entry in entries if (write := self._deletion(entry))]
        for start in range(0, len(writes), _AT_ONCE):
            with suppress(ConflictError):  # somebody else changed one: it is looked at again
                await self._registry.commit(writes[start : start + _AT_ONCE])
        return bool(writes)

    def _deletion(self, entry: Entry) -> Write | None:
        tree: JSON = orjson.loads(entry.value)
        if tree["metadata"].get("deletionTimestamp") and not finished(tree):
            return None
        mark(_ANY, tree, DeleteOptions(), self._registry.clock.now())
        return Write(entry.key, None if finished(tree) else to_stored(tree), expected=entry.revision)

    async def _note(self, entry: Entry, crd: JSON) -> None:
        before, now = crd["status"], format_time(self._registry.clock.now())
        message = "CustomResource deletion is in progress"
        set_condition(crd, "Terminating", "True", "InstanceDeletionInProgress", message, now)
        if crd["status"] != before:
            await self._registry.commit([Write(entry.key, to_stored(crd), expected=entry.revision)])

    async def _finish(self, entry: Entry, crd: JSON) -> None:
        metadata, now = crd["metadata"], format_time(self._registry.clock.now())
        kept = [name for name in metadata.get("finalizers") or () if name != customresourcedefinitions.CLEANUP]
        metadata["finalizers"] = kept
        set_condition(crd, "Terminating", "False", "InstanceDeletionCompleted", "removed all instances", now)
        if not kept:
            del metadata["finalizers"]
        value = None if finished(crd) else to_stored(crd)
        await self._registry.commit([Write(entry.key, value, expected=entry.revision)])


_ANY = Kind(kind="", plural="", versions=())  # what deletion has to know of a custom resource's kind: nothing
