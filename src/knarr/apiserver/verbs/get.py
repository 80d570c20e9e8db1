"""GET of one object: the cache's bytes, with the revision put in."""

from __future__ import annotations

from knarr.apiserver.verbs.answers import OBJECT_VIEWS, object_answer, output
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.conversion import seen_one
from knarr.apiserver.verbs.list import reach
from knarr.apiserver.verbs.listoptions import read_revision
from knarr.wire.messages import Answer


async def get(call: Call) -> Answer:
    """The object, as new as `resourceVersion` asks (unset: everything acknowledged by now)."""
    await reach(call, read_revision(call))
    entry = call.registry.entry(call.kind, call.namespace, call.name)
    if call.registry.cache.unreadable:
        call.registry.cache.unreadable.check(call.key)
    if entry is None:
        output(call, OBJECT_VIEWS)  # an answer that could not be read is refused first
        raise call.not_found()
    return object_answer(call, await seen_one(call, entry))
