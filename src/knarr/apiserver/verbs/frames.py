"""Events as the bytes of a watch.

All watchers that are shown a kind in the same version and form share their frames.
"""

from __future__ import annotations

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver import tables
from knarr.apiserver.encoding import api_version, served_tree
from knarr.apiserver.media import Output
from knarr.apiserver.metrics.families import WATCH_EVENTS, WATCH_SIZES
from knarr.apiserver.registry import Registry
from knarr.apiserver.representations import representation
from knarr.machinery.errors import APIError
from knarr.storage.cache import Entry

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Framing:
    """How one watcher is shown events of a kind."""

    def __init__(self, registry: Registry, kind: Kind, version: Version, output: Output, include: str) -> None:
        assert output.media.event is not None, f"{output.media.name} has no frames"
        self._registry, self._kind, self._version, self._output = registry, kind, version, output
        self._event, self._encode = output.media.event, output.media.encode
        self._whole = representation(output).whole
        self._include = include
        labels = (kind.group, version.name, kind.plural)
        self._sent = registry.metrics.count(WATCH_EVENTS, labels)
        self._sizes = registry.metrics.spread(WATCH_SIZES, labels)
        self._headings = output.view == "Table"  # sent with the first event alone
        self._form = (version.name, output, include)

    def frame(self, type: str, entry: Entry) -> bytes:
        """One event, from the memo where another watcher has asked for the same."""
        if self._headings:
            frame = self.made(type, entry)
        else:
            memo = self._registry.frames
            key = (entry.key, entry.revision, type, self._form)
            frame = memo.get(key) or memo.keep(key, self.made(type, entry))
        self._sent.n += 1
        self._sizes.observe(len(frame))
        return frame

    def made(self, type: str, entry: Entry) -> bytes:
        """One event, made for this watcher: what a watch begins with is its own."""
        headings, self._headings = self._headings, False
        if self._output.view != "Table":
            return self._event(type, self._whole(self._kind, self._version, entry))
        tree = served_tree(self._version, entry.value, entry.revision, entry.encodings)
        now, listed, include = self._registry.clock.now(), {"resourceVersion": str(entry.revision)}, self._include
        tree = tables.table(self._kind, self._output, (tree,), listed, now=now, include=include, headings=headings)
        return self._event(type, self._encode(tree))

    def bookmark(self, revision: int, *, initial_events_end: bool = False) -> bytes:
        """Says up to which revision the watcher has seen everything."""
        metadata: JSON = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_events_end:
            metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
        tree = {"kind": self._kind.kind, "apiVersion": api_version(self._kind, self._version), "metadata": metadata}
        if self._output.view == "Table":
            now, listed = self._registry.clock.now(), {"resourceVersion": str(revision)}
            tree = tables.table(self._kind, self._output, (), listed, now=now, include=self._include, headings=False)
        elif self._output.view:
            tree = tables.partial(tree, self._output.view_version)
        return self._event("BOOKMARK", self._encode(tree))

    def error(self, error: APIError) -> bytes:
        """The last event of a watch that cannot go on."""
        return self._event("ERROR", self._encode(error.to_status()))
