"""The watch cache: the newest state of a store in memory, from which all reads and watches are served.

It follows the store's events and advances with the global revision, whatever key it was that changed. All its
synchronous methods are for the event loop's thread; none blocks.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from knarr.machinery.clock import Clock, RealClock
from knarr.machinery.remembering import Bounded
from knarr.storage.entries import Change, Entry, Index, Shelf, entry_of, past_change, tombstone
from knarr.storage.history import History
from knarr.storage.store import CompactedError, Event, Record, Store, UnavailableError, Unreadable, UnreadableError
from knarr.storage.subscriptions import Following, Sink, Subscription, Subscriptions, covers
from knarr.storage.unreadables import Unreadables

__all__ = ["Change", "Entry", "Following", "Index", "Subscription", "WatchCache"]

log = logging.getLogger(__name__)

HISTORY = 4096  # changes; what reaches further back must list again
HISTORY_BYTES = 64 << 20  # of their objects: a few thousand Pods, or far fewer of the largest objects
RECONNECT_SECONDS = 0.2
FORESEEN = 1000  # values
_Foreseen = tuple[Mapping[str, str], Mapping[str, str], dict[Any, Any]]


class WatchCache:
    """See the module's docstring.

    `history` changes, of HISTORY_BYTES at most, are retained for watches that start in the past.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        prefix: str = "/registry/",
        history: int = HISTORY,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.revision = 0
        self._store = store
        self._index = index
        self._prefix = prefix
        self._keep = history
        self._clock = clock or RealClock()
        self._shelves: dict[str, Shelf] = {}
        self._history: History[Change] = History(0, _weight)
        # Commits that failed leave theirs behind.
        self._foreseen: Bounded[bytes, _Foreseen] = Bounded(FORESEEN)
        self.fault = ""  # why the store's events cannot be followed now
        self.loads = 0  # how often everything was loaded
        self.unreadable = Unreadables()  # where it could be read before, that is what `get` and `range` still show
        self._loaded = 0  # the revision that everything was loaded at
        self._subscriptions = Subscriptions()
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything, then follow in the background. Raises UnavailableError."""
        await self._load()
        self._task = asyncio.create_task(self._follow(), name="watch cache")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for _, _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(UnavailableError("the watch cache has stopped"))
        self._waiters.clear()

    async def wait(self, revision: int) -> None:
        """Until the cache has applied `revision`. Raises UnavailableError when the cache stops meanwhile."""
        if revision <= self.revision:
            return
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (revision, next(self._order), waiter))
        await waiter

    def foresee(
        self, value: bytes, labels: Mapping[str, str], fields: Mapping[str, str], encodings: dict[Any, Any]
    ) -> None:
        """What the index would say of a value that is about to be committed, and encodings that are known already: its
        writer need not have it read again.
        """
        self._foreseen.keep(value, (labels, fields, encodings))

    def get(self, key: str) -> Entry | None:
        shelf = self._shelves.get(self._shelf_name(key))
        return shelf.get(key) if shelf else None

    def range(
        self, prefix: str, *, start: str = "", limit: int = 0, label: tuple[str, str] | None = None
    ) -> Sequence[Entry]:
        """Entries whose keys begin with `prefix`, from `start` (inclusive) on, in byte order, at most `limit` unless 0.

        `label` keeps those that carry this key and value, by way of an index.
        """
        found: list[Entry] = []
        for shelf in self._shelves_of(prefix):
            found += shelf.range(prefix, start, limit - len(found) if limit else 0, label)
            if limit and len(found) == limit:
                break
        return found

    async def reread(self, prefix: str) -> None:
        """Look again at what is below a prefix: it may be readable now, or be so no longer.

        Where something is, all watches of it end, and none can start in the past: they have missed its changes. Raises
        UnavailableError.
        """
        before = {**self.unreadable}
        page = await self._store.range(prefix)
        changed = [record for record in page.records if isinstance(record.value, Unreadable) or record.key in before]
        # Of what has changed meanwhile the events have told; each error is another.
        still = [record for record in changed if self.unreadable.get(record.key) is before.get(record.key)]
        readable = [record.key for record in still if record.modified <= self.revision and self._reread(record)]
        if readable:
            self._history, self._loaded = History(self.revision, _weight), self.revision
            self._subscriptions.lose_below(prefix)
        self.unreadable.warn(len(before))

    def _reread(self, record: Record) -> bool:
        """Whether a record can be read now that could not before."""
        known = self.get(record.key)
        if record.key not in self.unreadable and (known is None or known.revision != record.modified):
            return False
        entry = self._entry_or_none(record)
        if entry is None:
            return False
        del self.unreadable[record.key]
        self._shelf(self._shelf_name(record.key)).put(entry)
        return True

    def reindex(self, prefix: str) -> None:
        """Ask the index again about all that is below a prefix or was lately, and forget the encodings."""
        for entry in self.range(prefix):
            record = Record(entry.key, entry.value, entry.created, entry.revision)
            self._shelf(self._shelf_name(entry.key)).put(self._entry(record))
        for entry in self._lately(prefix):
            entry.labels, entry.fields = self._index(entry.key, entry.value)
            entry.encodings = {}

    def _lately(self, prefix: str) -> Iterator[Entry]:
        """What retained changes show."""
        for change in self._history.after(self._history.floor):
            if covers(prefix, change.entry.key):
                yield change.entry
                if change.previous:
                    yield change.previous

    def interrupt(self, prefix: str) -> None:
        """End all subscriptions to a prefix, which ends with a slash, and below."""
        self._subscriptions.lose_below(prefix)

    def count(self, prefix: str) -> int:
        return sum(shelf.count(prefix) for shelf in self._shelves_of(prefix))

    def received(self) -> dict[str, int]:
        """How many changes have come, by the part of the keys that names the resource."""
        return {name: shelf.changes for name, shelf in self._shelves.items() if shelf.changes}

    def subscribe(self, prefix: str, after: int, sink: Sink, on_lost: Callable[[], None]) -> Subscription:
        """Call `sink` with all changes after the revision `after`: the retained ones now, others as they are applied.

        `prefix` ends with a slash, or is one whole key. `on_lost` is called once, and nothing after it, when changes
        have been missed or the sink raised. Raises CompactedError when changes after `after` are no longer retained.
        """
        missed = [change for change in self._history.after(after) if covers(prefix, change.entry.key)]
        subscription = self._subscriptions.add(prefix, after, sink, on_lost)
        if missed:
            subscription.deliver(missed)
        return subscription

    def follow(self, prefix: str, sink: Sink, on_lost: Callable[[], None]) -> Following:
        """Call `sink` with all changes from now on, and `on_lost` whenever some have been missed; then go on."""
        return Following(lambda lost: self.subscribe(prefix, self.revision, sink, lost), on_lost)

    async def recall(self, revision: int) -> None:
        """Have the changes after `revision` at hand for `subscribe`, where they are from before the cache was loaded.

        Their watchers outlive a restart of this process; the store may still know what they have missed. Raises
        UnavailableError.
        """
        loaded = self._loaded
        if revision >= loaded or loaded - revision > self._keep or self._history.floor != loaded:
            return
        past: list[Event] = []
        try:
            async for events in self._store.watch("", revision):
                past += [event for event in events if event.revision <= loaded and event.key.startswith(self._prefix)]
                if events[-1].revision >= loaded:
                    break
        except CompactedError:
            return
        if self._history.floor == loaded == self._loaded:  # nobody else has brought it, or trimmed it, meanwhile
            with suppress(UnreadableError):  # its watchers begin anew
                self._history.precede([past_change(event, self._index) for event in past], revision)

    def _shelf_name(self, key: str) -> str:
        return key[len(self._prefix) :].partition("/")[0]

    def _shelves_of(self, prefix: str) -> Iterable[Shelf]:
        """Those that may hold keys of the prefix: one, if it names the resource as a whole."""
        name, slash, _ = prefix[len(self._prefix) :].partition("/")
        if slash:
            return filter(None, [self._shelves.get(name)])
        return (shelf for _, shelf in sorted(self._shelves.items(), key=lambda item: item[0] + "/"))

    async def _load(self) -> None:
        page = await self._store.range(self._prefix)
        known, self._shelves = self._shelves, {}
        self.unreadable = Unreadables()
        for record in page.records:
            name = self._shelf_name(record.key)
            shelf = known.get(name)
            entry = shelf.get(record.key) if shelf else None
            if entry is None or entry.revision != record.modified:
                entry = self._entry_or_none(record)
            if entry:
                self._shelf(name).put(entry)
        self._history, self._loaded = History(page.revision, _weight), page.revision
        self.unreadable.warn()
        self.loads += 1
        self._advance(page.revision)

    async def _follow(self) -> None:
        """Until the store is closed; what cannot be followed from here is loaded again."""
        stale, told = False, ""
        while True:
            try:
                if stale:
                    await self._reload()
                    stale = False
                self.fault = ""
                async for events in self._store.watch("", self.revision):
                    self._apply(events)
                    told = ""
                return
            except CompactedError:
                stale = True
            except UnavailableError as error:
                self.fault = str(error)
                if told != self.fault:  # once, however long it lasts
                    told = self.fault
                    log.warning("the store's watch failed and is tried again: %s", told)
                await self._clock.sleep(RECONNECT_SECONDS)
            except Exception:
                log.exception("the watch cache could not apply what the store said")
                stale = True
                await self._clock.sleep(RECONNECT_SECONDS)

    async def _reload(self) -> None:
        log.warning("the watch cache has missed events and loads everything again")
        await self._load()
        self._subscriptions.lose_all()

    def _apply(self, events: Sequence[Event]) -> None:
        mine = (self._change(event) for event in events if event.key.startswith(self._prefix))
        changes = [change for change in mine if change]
        self._history.extend(changes)
        self._history.trim(self._keep, HISTORY_BYTES)
        self._advance(events[-1].revision)
        self._subscriptions.publish(changes)

    def _change(self, event: Event) -> Change | None:
        """None where nobody can be shown it."""
        shelf = self._shelf(self._shelf_name(event.key))
        shelf.changes += 1
        known = self.unreadable.pop(event.key, None) if self.unreadable else None
        if event.value is not None:
            entry = self._entry_or_none(Record(event.key, event.value, event.created, event.revision))
            if entry is None:
                log.warning("%s", self.unreadable[event.key])
                return None
            previous = shelf.put(entry)
            return Change("MODIFIED" if previous else "ADDED", entry, previous)
        previous = shelf.remove(event.key)
        if previous is None and known:
            return None
        if previous is None:
            raise RuntimeError(f"the store deleted {event.key}, which it had not announced")
        return Change("DELETED", tombstone(previous, event.revision), previous)

    def _entry(self, record: Record) -> Entry:
        if self._foreseen and (known := self._foreseen.pop(record.value, None)):
            entry = Entry(record, labels=known[0], fields=known[1])
            entry.encodings = known[2]
            return entry
        return entry_of(record, self._index)

    def _entry_or_none(self, record: Record) -> Entry | None:
        try:
            return self._entry(record)
        except UnreadableError as error:
            self.unreadable[record.key] = error
            return None

    def _shelf(self, name: str) -> Shelf:
        return self._shelves.setdefault(name, Shelf())

    def _advance(self, revision: int) -> None:
        self.revision = revision
        while self._waiters and self._waiters[0][0] <= revision:
            waiter = heapq.heappop(self._waiters)[2]
            if not waiter.done():
                waiter.set_result(None)


def _weight(change: Change) -> int:
    return len(change.entry.value)
