"""LIST: bytes joined from the cache, or a page of an older state from the store."""

from __future__ import annotations

from collections.abc import Sequence

from knarr.api.kind import JSON
from knarr.apiserver.encoding import Buffer
from knarr.apiserver.indexing import index_by
from knarr.apiserver.media import Output
from knarr.apiserver.registry import prefix_of
from knarr.apiserver.representations import representation
from knarr.apiserver.verbs import listoptions, pages
from knarr.apiserver.verbs.answers import headers, output
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.conversion import seen, seen_one
from knarr.apiserver.verbs.listoptions import ListOptions
from knarr.apiserver.verbs.tabulating import tabulated
from knarr.machinery.clock import at_most
from knarr.machinery.errors import BadRequest, Cause, Gone, Timeout
from knarr.storage.cache import Entry
from knarr.storage.entries import entry_of
from knarr.storage.store import CompactedError, FutureRevisionError
from knarr.wire.messages import Answer, Pieced, Response

LIST_VIEWS = frozenset({"Table", "PartialObjectMetadataList"})
FUTURE_WAIT = 3.0  # seconds that a read waits for a revision that this server has not seen
_SHARED = 64 * 1024  # bytes; a list that is larger goes out in its pieces
_CHUNK = 500  # records read at once while a selector looks for a page's worth


async def list_objects(call: Call) -> Answer:
    """A list in the form asked for: the newest state unless the options say another."""
    chosen = output(call, LIST_VIEWS)
    return await _answer(call, chosen, *await chosen_entries(call, listoptions.read(call)))


async def chosen_entries(call: Call, options: ListOptions) -> tuple[Sequence[Entry], JSON]:
    """What a list with these options shows, and its metadata."""
    if options.token or options.exact:
        return await _stored_entries(call, options)
    entries, metadata = await _cached_entries(call, options)
    call.registry.lists.cached(call.kind, len(entries))
    return entries, metadata


async def _cached_entries(call: Call, options: ListOptions) -> tuple[Sequence[Entry], JSON]:
    await reach(call, options.revision)
    prefix = prefix_of(call.kind, call.namespace)
    call.registry.cache.unreadable.check(prefix)
    revision = call.registry.cache.revision
    entries = await select_seen(call, options) if call.kind.converter else select(call, options)
    metadata: JSON = {"resourceVersion": str(revision)}
    if 0 < options.limit < len(entries):
        if options.everything:
            metadata["remainingItemCount"] = call.registry.cache.count(prefix) - options.limit
        entries = entries[: options.limit]
        metadata["continue"] = pages.encode(entries[-1].key, prefix, revision)
    return entries, metadata


async def list_answer(call: Call, entries: Sequence[Entry], metadata: JSON) -> Answer:
    """A list of these entries, in the form asked for."""
    return await _answer(call, output(call, LIST_VIEWS), entries, metadata)


async def reach(call: Call, revision: int | None) -> None:
    """Wait until the cache is as new as a read asks: None is everything acknowledged by now, 0 anything. Raises
    Timeout.
    """
    cache = call.registry.cache
    if revision is None:
        await call.registry.synced()
    elif revision > cache.revision:
        await at_most(call.registry.clock, FUTURE_WAIT, cache.wait(revision))
        if revision > cache.revision:
            raise too_large(revision, cache.revision)


def too_large(revision: int, current: int) -> Timeout:
    return Timeout(
        f"Timeout: Too large resource version: {revision}, current: {current}",
        causes=[Cause("ResourceVersionTooLarge", "Too large resource version")],
        retry_after=1,
    )


def select(call: Call, options: ListOptions) -> Sequence[Entry]:
    """The cached entries that the selectors match; one more than the limit at most where there are no selectors."""
    cache, prefix = call.registry.cache, prefix_of(call.kind, call.namespace)
    equal = options.fields.equalities
    if "metadata.name" in equal and (call.namespace or not call.kind.namespaced):
        entry = cache.get(prefix + equal["metadata.name"])
        candidates: Sequence[Entry] = (entry,) if entry else ()
    elif options.everything:
        return cache.range(prefix, limit=options.limit + 1 if options.limit else 0)
    else:
        label = next(iter(options.labels.equalities.items()), None)
        candidates = cache.range(prefix, label=label)
        if label and len(options.labels.requirements) == 1 and not options.fields.requirements:
            return candidates  # the index has answered the whole question
    return [e for e in candidates if matches(options, e)]


async def select_seen(call: Call, options: ListOptions) -> Sequence[Entry]:
    """The same where the request's version is made of the stored one by a converter."""
    entries = await seen(call, call.registry.cache.range(prefix_of(call.kind, call.namespace)))
    return [entry for entry in entries if matches(options, entry)]


def matches(options: ListOptions, entry: Entry) -> bool:
    return options.labels.matches(entry.labels) and options.fields.matches(entry.fields)


async def _stored_entries(call: Call, options: ListOptions) -> tuple[Sequence[Entry], JSON]:
    """A state that is not the newest: the rest of an earlier list, or exactly the revision asked for."""
    prefix = prefix_of(call.kind, call.namespace)
    start, revision = prefix, options.revision or 0
    if options.token:
        if options.revision:
            raise BadRequest("specifying resource version is not allowed when using continue")
        position = pages.decode(options.token, prefix)
        start, revision = position.start, max(position.revision, 0)
    try:
        entries, remaining, revision = await _read(call, options, prefix, start, revision)
    except CompactedError:
        if options.token:
            raise pages.ContinueExpired(_resumed(start, prefix)) from None
        raise Gone("The resourceVersion for the provided list is too old.") from None
    except FutureRevisionError as error:
        raise too_large(revision, error.current) from None
    call.registry.lists.stored(call.kind, len(entries))
    metadata: JSON = {"resourceVersion": str(revision)}
    if remaining and entries:
        metadata["continue"] = pages.encode(entries[-1].key, prefix, revision)
        if options.everything:
            metadata["remainingItemCount"] = remaining
    return entries, metadata


def _resumed(start: str, prefix: str) -> str:
    return pages.encode(start.removesuffix("\0"), prefix, pages.NEWEST)


async def _read(
    call: Call, options: ListOptions, prefix: str, start: str, revision: int
) -> tuple[list[Entry], int, int]:
    """Matching entries up to the limit, whether more keys follow (how many), and the revision of it all."""
    found: list[Entry] = []
    indexed = index_by(lambda _: call.kind)
    while True:
        chunk = _CHUNK if options.limit and not options.everything else options.limit
        page = await call.registry.store.range(prefix, start=start, limit=chunk, revision=revision)
        revision = revision or page.revision
        for index, record in enumerate(page.records):
            entry = await seen_one(call, entry_of(record, indexed))
            if matches(options, entry):
                found.append(entry)
                if len(found) == options.limit:
                    return found, page.remaining + len(page.records) - index - 1, revision
        if not page.remaining:
            return found, 0, revision
        start = page.records[-1].key + "\0"


async def _answer(call: Call, chosen: Output, entries: Sequence[Entry], metadata: JSON) -> Response | Pieced:
    if chosen.view == "Table":
        parts: Sequence[Buffer] = await tabulated(call, chosen, entries, metadata)
    else:
        parts = representation(chosen).listed(call.kind, call.version, entries, metadata)
    fields, size = headers(call, chosen.media), sum(map(len, parts))
    return Pieced(200, fields, parts, size) if size > _SHARED else Response(200, fields, b"".join(parts))
