"""WATCH: the cache's changes as a stream of events, framed once for all watchers that are shown the same.

A watcher is a subscription and a sink: no task, no queue, no copy. One that does not read is cut when too much is
waiting for it.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections.abc import Sequence

from knarr.apiserver import tables
from knarr.apiserver.media import JSON
from knarr.apiserver.registry import prefix_of
from knarr.apiserver.verbs import listoptions
from knarr.apiserver.verbs.answers import OBJECT_VIEWS, headers, output
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.conversion import Follower
from knarr.apiserver.verbs.frames import Framing
from knarr.apiserver.verbs.list import matches, reach, select, select_seen
from knarr.apiserver.verbs.listoptions import ListOptions
from knarr.apiserver.verbs.watchtimers import WatchTimers
from knarr.machinery.errors import APIError, Gone
from knarr.storage.cache import Change, Entry, Subscription
from knarr.storage.entries import tombstone
from knarr.storage.store import CompactedError
from knarr.wire import websockets
from knarr.wire.bodies import joined
from knarr.wire.messages import Answer, Sink, Streaming

PENDING_LIMIT = 8 * 1024 * 1024  # bytes that may wait for a watcher, besides what its watch began with


async def watch(call: Call) -> Answer:
    """A stream of events; what is wrong with the request is said before it begins."""
    chosen = output(call, OBJECT_VIEWS, watched=True)
    options = listoptions.read(call)
    framing = Framing(call.registry, call.kind, call.version, chosen, tables.include_object(call.request))
    if options.revision is None or options.initial_events:
        await reach(call, options.revision)
    elif options.revision:
        await call.registry.cache.recall(options.revision)
    watcher = Watcher(call, options, framing)
    if watcher.wants_initial():
        call.registry.cache.unreadable.check(watcher.prefix)
    if call.kind.converter:
        await watcher.convert()
    answer = Streaming(watcher.start, 200, headers(call, chosen.media, watched=True))
    given = call.request.http.headers
    return websockets.lines(given, answer) if chosen.media is JSON and websockets.asked(given) else answer


class Watcher:
    """One watch, from its first event to its timeout."""

    def __init__(self, call: Call, options: ListOptions, framing: Framing) -> None:
        self._call, self._options, self._framing = call, options, framing
        self._registry = call.registry
        self._allowance = PENDING_LIMIT
        self._sink: Sink | None = None
        self._subscription: Subscription | None = None
        self._follower: Follower | None = None
        self._converted: tuple[int, Sequence[Entry]] | None = None  # what there was, and when

    @property
    def prefix(self) -> str:
        """Of all that it may be told of; one whole key where it asks for one object."""
        prefix = prefix_of(self._call.kind, self._call.namespace)
        name = self._options.fields.equalities.get("metadata.name")
        return prefix + name if name and (self._call.namespace or not self._call.kind.namespaced) else prefix

    async def convert(self) -> None:
        """Have what there is converted before anything is sent."""
        self._follower = Follower(self._call, self._deliver, self._fail)
        if self.wants_initial():
            revision = self._registry.cache.revision
            self._converted = revision, await select_seen(self._call, self._options)

    def start(self, sink: Sink) -> None:
        """Send what there is, and subscribe to what follows."""
        self._sink = sink
        if self.wants_initial():
            after = self._registry.cache.revision if self._converted is None else self._converted[0]
            self._send_initial(sink, after)
        else:
            after = self._options.revision or self._registry.cache.revision
        self._timers = WatchTimers(
            self._registry.timers,
            self._registry.options,
            self._end,
            self._bookmark if self._options.bookmarks else None,
            self._options.timeout,
        )
        sink.on_close(self._detach)
        self._subscribe(sink, after)

    def wants_initial(self) -> bool:
        """Whether it begins with what there is."""
        if self._options.initial_events is not None:
            return self._options.initial_events
        return not self._options.revision

    def _send_initial(self, sink: Sink, revision: int) -> None:
        entries = select(self._call, self._options) if self._converted is None else self._converted[1]
        frames = [self._framing.made("ADDED", entry) for entry in entries]
        if self._options.initial_events and self._options.bookmarks:
            frames.append(self._framing.bookmark(revision, initial_events_end=True))
        size = sum(map(len, frames))
        self._allowance += size
        for part in joined(frames, size):  # what the peer does not take yet waits as it is, and not encrypted
            sink.write(part)

    def _subscribe(self, sink: Sink, after: int) -> None:
        try:
            self._subscription = self._registry.cache.subscribe(
                self.prefix, after, self._follower or self._deliver, self._lost
            )
        except CompactedError as error:
            sink.write(self._framing.error(Gone(f"too old resource version: {after} ({error.oldest})")))
            self._close()
        self._allowance = max(self._allowance, PENDING_LIMIT + sink.pending())
        if self._sink is None and self._subscription:  # the events missed so far were already too many
            self._subscription.close()

    def _deliver(self, changes: Sequence[Change]) -> None:
        sink = self._sink
        if sink is None:
            return
        if sink.pending() > self._allowance:
            self._detach()
            sink.abort()
            return
        for change in changes:
            if seen := self._seen(change):
                sink.write(self._framing.frame(*seen))

    def _seen(self, change: Change) -> tuple[str, Entry] | None:
        """The event that a change is for this watcher: an object may come into its view, change in it, or leave it."""
        if self._options.everything:
            return change.type, change.entry
        entry, previous = change.entry, change.previous
        was = matches(self._options, previous) if previous else False
        now = change.type != "DELETED" and matches(self._options, entry)
        if previous and was and not now:  # its last state in view, at the revision at which it left
            return "DELETED", tombstone(previous, change.revision)
        return (("MODIFIED" if was else "ADDED"), entry) if now else None

    def _bookmark(self) -> None:
        if self._sink is not None:
            self._sink.write(self._framing.bookmark(self._registry.cache.revision))

    def _end(self) -> None:
        """The watch's time is over."""
        if self._options.bookmarks:
            self._bookmark()
        self._close()

    def _fail(self, error: APIError) -> None:
        if self._sink is not None:
            self._sink.write(self._framing.error(error))
        self._close()

    def _lost(self) -> None:
        """Where its kind has another definition now, the watch ends without a word: its client begins another one where
        this one was, and misses nothing.
        """
        if self._sink is not None and not self._redefined():
            self._sink.write(self._framing.error(Gone("too old resource version: the watch cache has started over")))
        self._close()

    def _redefined(self) -> bool:
        kind, version = self._call.kind, self._call.version
        served = self._registry.find(kind.group, kind.plural)
        if served is None or version.name not in {one.name for one in served.versions}:
            return False
        return served.at(version) is not kind

    def _close(self) -> None:
        sink = self._sink
        self._detach()
        if sink is not None:
            sink.close()

    def _detach(self) -> None:
        """Hear no more; callable again, and from any of the callbacks."""
        self._sink = None
        self._timers.cancel()
        if self._subscription:
            self._subscription.close()
        if self._follower:
            self._follower.close()
