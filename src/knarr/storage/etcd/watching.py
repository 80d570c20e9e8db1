"""A watch on etcd that goes on where it broke off, with whichever member answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from knarr.storage.etcd.client import EtcdClient
from knarr.storage.etcd.messages import DELETE, WatchRequest, WatchResponse
from knarr.storage.etcd.ranges import Keys
from knarr.storage.store import CompactedError, Event, UnavailableError
from knarr.wire.grpc import Call, CallError

log = logging.getLogger(__name__)

METHOD = "/etcdserverpb.Watch/Watch"
IN_VAIN = 3  # streams that break one after another without having said anything


def creation(low: bytes, end: bytes, start: int) -> bytes:
    """The request for a watch from the revision `start` on."""
    request = WatchRequest()
    create = request.create_request
    create.key, create.range_end, create.start_revision = low, end, start
    create.prev_kv = create.progress_notify = create.fragment = True
    return bytes(request.SerializeToString())


class Watch:
    """One watch of a prefix, after the revision `after`, which moves on."""

    def __init__(
        self,
        client: EtcdClient,
        prefix: str,
        after: int,
        keys: Keys,
        check: Callable[[int], Awaitable[None]],
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._after = after
        self._keys = keys
        self._check = check  # raises CompactedError for a revision that cannot be read any more

    async def run(self) -> AsyncIterator[Sequence[Event]]:
        """Until the client is closed. Raises CompactedError, UnavailableError."""
        in_vain = 0
        while in_vain < IN_VAIN:
            before = self._after
            try:
                async with self._client.stream(METHOD) as call:
                    async for events in self._follow(call):
                        yield events
            except CallError as error:
                log.debug("the watch of etcd is begun again: %s", error)
            except UnavailableError:
                if self._client.closed:
                    return
                raise
            in_vain = in_vain + 1 if self._after == before else 0
        raise UnavailableError("etcd ends every watch as soon as it has begun")

    async def _follow(self, call: Call) -> AsyncIterator[Sequence[Event]]:
        """One stream, until it breaks. What etcd sends in fragments is put together, to whole commits."""
        call.send(creation(*self._keys.span(self._prefix), self._after + 1))
        parts: list[Event] = []
        while (data := await call.receive()) is not None:
            answer = WatchResponse.FromString(data)
            if answer.canceled:
                await self._refused(answer)
                return
            if answer.created:
                await self._begun(answer.header.revision)
                continue
            parts += [self._event(event) for event in answer.events]
            if answer.fragment:
                continue
            if parts:
                self._after, whole, parts = parts[-1].revision, parts, []
                yield whole
            else:  # nothing has happened here, until then
                self._after = max(self._after, answer.header.revision)

    async def _begun(self, revision: int) -> None:
        """Etcd takes a watch from the very revision that it was compacted to, whose deletes it has forgotten."""
        if self._after < revision:
            await self._check(self._after)

    async def _refused(self, answer: Any) -> None:
        """Compacted; or a token that is stale, which etcd 3.4 calls a permission denied."""
        if answer.compact_revision:
            raise CompactedError(answer.compact_revision)
        if not await self._client.renew():
            raise UnavailableError(answer.cancel_reason or "refused")
        raise CallError("PermissionDenied", answer.cancel_reason)

    def _event(self, event: Any) -> Event:
        pair = event.kv
        key, revision = self._keys.named(pair.key), pair.mod_revision
        previous = self._keys.record(event.prev_kv) if event.HasField("prev_kv") else None
        if event.type == DELETE:
            if previous is None:  # a compaction was faster than this watch
                raise CompactedError(revision)
            return Event(key, None, revision, previous.created, previous)
        if previous is None and pair.create_revision != revision:
            raise CompactedError(revision)
        return Event(key, self._keys.value(key, pair.value), revision, pair.create_revision, previous)
