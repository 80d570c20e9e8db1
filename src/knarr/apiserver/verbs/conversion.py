"""Between the version that a request speaks and the one that is stored, where somebody has to be asked: kinds with a
`converter`. For all others this is nothing at all; what converts them are functions (encoding.py).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import orjson

from knarr.api.kind import JSON, Converter
from knarr.apiserver.encoding import api_version, form_of, stored_tree, to_stored
from knarr.apiserver.indexing import index_value
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import APIError
from knarr.storage.entries import Change, Entry
from knarr.storage.store import Record


async def seen(call: Call, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Entries whose values are of the request's version; each is converted once per revision. Raises APIError."""
    converter, form = call.kind.converter, form_of(call.version)
    if converter is None:
        return entries
    missing = [entry for entry in entries if form not in entry.encodings]
    values = await _converted(call, converter, [entry.value for entry in missing])
    for entry, value in zip(missing, values, strict=True):
        entry.encodings[form] = value
    return [_view(call, entry, entry.encodings[form]) for entry in entries]


async def seen_value(call: Call, value: bytes) -> bytes:
    """The same of stored bytes that are no entry."""
    return (await _converted(call, call.kind.converter, [value]))[0] if call.kind.converter else value


async def _converted(call: Call, converter: Converter, values: Sequence[bytes]) -> list[bytes]:
    trees = [orjson.loads(value) for value in values]
    converted = await converter.convert(trees, api_version(call.kind, call.version))
    return [to_stored(stored_tree(call.kind, to_stored(tree))) for tree in converted]


async def seen_one(call: Call, entry: Entry) -> Entry:
    """The same of one entry."""
    return (await seen(call, [entry]))[0] if call.kind.converter else entry


async def bytes_to_store(call: Call, tree: JSON) -> bytes:
    """What is stored of a tree of the version that the request works in. Raises APIError."""
    converter = call.kind.converter
    if converter is None:
        return to_stored(tree)
    stored = call.registry.find(call.kind.group, call.kind.plural) or call.kind
    converted = await converter.convert([tree], api_version(stored, stored.storage_version))
    return to_stored(converted[0])


def _view(call: Call, entry: Entry, value: bytes) -> Entry:
    labels, fields = index_value(call.kind, value)
    return Entry(Record(entry.key, value, entry.created, entry.revision), labels=labels, fields=fields)


class Follower:
    """Hands on changes in their order, each as the request's version shows it; a failure ends it."""

    def __init__(
        self, call: Call, sink: Callable[[Sequence[Change]], None], on_failure: Callable[[APIError], None]
    ) -> None:
        self._call, self._sink, self._on_failure = call, sink, on_failure
        self._waiting: deque[Sequence[Change]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, changes: Sequence[Change]) -> None:
        self._waiting.append(changes)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="converted watch")

    def close(self) -> None:
        """May be called from what it calls."""
        self._waiting.clear()

    async def _run(self) -> None:
        try:
            while self._waiting:
                changes = self._waiting.popleft()
                converted = await self._converted(changes)
                self._sink(converted)
        except APIError as error:
            self._on_failure(error)
        finally:
            self._task = None

    async def _converted(self, changes: Sequence[Change]) -> list[Change]:
        entries = [entry for change in changes for entry in (change.entry, change.previous) if entry]
        known = {id(entry): view for entry, view in zip(entries, await seen(self._call, entries), strict=True)}
        return [
            Change(change.type, known[id(change.entry)], known[id(change.previous)] if change.previous else None)
            for change in changes
        ]
