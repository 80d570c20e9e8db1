"""Upstream's controllers of CustomResourceDefinitions, in one: naming, establishing, serving, finalizing.

Everything follows the watch cache: a definition is served in the moment in which the cache shows it as established,
here and on every other API server over the same store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from knarr.api.conditions import is_true
from knarr.api.custom.kinds import kind_of
from knarr.api.custom.naming import settle
from knarr.api.kind import JSON, Kind
from knarr.api.kinds import customresourcedefinitions
from knarr.apiserver.custom.cleanup import Cleanup
from knarr.apiserver.custom.converting import WebhookConverter
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.outbound import Webhooks
from knarr.apiserver.registry import Registry, prefix_of, tree_of
from knarr.machinery.times import format_time
from knarr.storage.cache import Change, Entry
from knarr.storage.store import ConflictError, StoreError, Write

log = logging.getLogger(__name__)

_PREFIX = prefix_of(customresourcedefinitions.KIND)
_RETRY_SECONDS = 1.0


@dataclass(slots=True)
class _Definition:
    """A definition as the cache has it, and the kind that is served of it."""

    crd: JSON
    kind: Kind | None

    @property
    def decisive(self) -> tuple[Any, ...]:
        """What the kind is made of."""
        crd = self.crd
        names = (crd.get("status") or {}).get("acceptedNames")
        return crd["spec"], names, is_true(crd, "Established"), is_true(crd, "Terminating")


class Definitions:
    """Serves what the definitions in the cache say. `start` when the cache is loaded, `close` in the end."""

    def __init__(self, registry: Registry, webhooks: Webhooks) -> None:
        self._registry, self._webhooks = registry, webhooks
        self._known: dict[str, _Definition] = {}  # by the definition's name
        self._unsettled: set[str] = set()  # definitions whose status may have to change
        self._wake = asyncio.Event()
        self._cleanup = Cleanup(registry)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Serve what is there, and follow."""
        cache = self._registry.cache
        for entry in cache.range(_PREFIX):
            self._show(entry)
        self._following = cache.follow(_PREFIX, self._take, self._restart)
        self._task = asyncio.create_task(self._settle_all(), name="custom resource definitions")

    def close(self) -> None:
        if self._task:
            self._following.close()
            self._task.cancel()
        self._cleanup.close()

    def _restart(self) -> None:
        """The cache has loaded everything anew."""
        entries = self._registry.cache.range(_PREFIX)
        for name in self._known.keys() - {entry.key.removeprefix(_PREFIX) for entry in entries}:
            self._hide(name)
        for entry in entries:
            self._show(entry)

    def _take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == "DELETED":
                self._hide(change.entry.key.removeprefix(_PREFIX))
            else:
                self._show(change.entry)

    def _show(self, entry: Entry) -> None:
        """Serve a definition as it is now: an object of its kind may be asked for when this returns."""
        crd = tree_of(entry)
        name = crd["metadata"]["name"]
        known = self._known.get(name)
        self._known[name] = found = _Definition(crd, known.kind if known else None)
        self._unsettle(crd["spec"]["group"])
        if known and known.decisive == found.decisive:
            return
        kind = kind_of(crd, self._converter(crd["spec"])) if is_true(crd, "Established") else None
        if kind and found.kind is None and self._registry.find(kind.group, kind.plural):
            kind = None  # what is built in stays what it is
        before, found.kind = found.kind, kind
        self._replace(before, kind, disruptive=not known or known.crd["spec"] != crd["spec"])

    def _unsettle(self, group: str) -> None:
        """Names that one definition of a group takes or gives back are another's business."""
        self._unsettled |= {crd["metadata"]["name"] for crd in self._group(group)}
        self._wake.set()

    def _converter(self, spec: JSON) -> WebhookConverter | None:
        by_webhook = (spec.get("conversion") or {}).get("strategy") == "Webhook"
        return WebhookConverter(self._webhooks, spec) if by_webhook else None

    def _hide(self, name: str) -> None:
        if known := self._known.pop(name, None):
            self._unsettle(known.crd["spec"]["group"])
            self._replace(known.kind, None, disruptive=True)

    def _replace(self, before: Kind | None, kind: Kind | None, *, disruptive: bool) -> None:
        """Serve a kind in place of another; where objects look different now, who watches them has to look anew."""
        cache = self._registry.cache
        if kind:
            self._registry.kinds.serve(kind)
        elif before:
            self._registry.kinds.withdraw(before)
        found = kind or before
        if found and disruptive:
            cache.interrupt(prefix_of(found))
            cache.reindex(prefix_of(found))
            self._registry.frames.clear()

    def _group(self, group: str) -> Iterator[JSON]:
        return (known.crd for known in self._known.values() if known.crd["spec"]["group"] == group)

    async def _settle_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            names, self._unsettled = self._unsettled, set()
            for name in sorted(names):
                await self._settle(name)

    async def _settle(self, name: str) -> None:
        """Write a definition's conditions where they have changed; who is overtaken is called again by the change."""
        entry = self._registry.cache.get(_PREFIX + name)
        if entry is None:
            return
        crd = tree_of(entry)
        try:
            await self._write(entry, crd)
        except ConflictError:
            return
        except StoreError as error:
            log.warning("the status of the definition %s cannot be written: %s", name, error)
            self._registry.timers.after(_RETRY_SECONDS, lambda: self._again(name))

    def _again(self, name: str) -> None:
        self._unsettled.add(name)
        self._wake.set()

    async def _write(self, entry: Entry, crd: JSON) -> None:
        now = format_time(self._registry.clock.now())
        if crd["metadata"].get("deletionTimestamp"):
            if customresourcedefinitions.CLEANUP in (crd["metadata"].get("finalizers") or ()):
                self._cleanup.begin(crd["metadata"]["name"])
            return
        before = crd.get("status")
        settle(crd, self._group(crd["spec"]["group"]), now)
        if crd["status"] != before:
            await self._registry.commit([Write(entry.key, to_stored(crd), expected=entry.revision)])
