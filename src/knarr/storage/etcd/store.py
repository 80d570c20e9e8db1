"""The store for many machines: an etcd cluster, which other API servers may share.

Keys and values are upstream's, so that either API server finds what the other wrote. What is durable, and which of two
writers was first, is etcd's to say; nothing of it is remembered here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any

from knarr.machinery.clock import Clock, RealClock
from knarr.storage.etcd.client import Credentials, EtcdClient
from knarr.storage.etcd.compaction import KEY, Compactor
from knarr.storage.etcd.leases import SharedLeases
from knarr.storage.etcd.messages import (
    MOD,
    CompactionRequest,
    CompactionResponse,
    RangeRequest,
    RangeResponse,
    TxnRequest,
    TxnResponse,
    WatchResponse,
)
from knarr.storage.etcd.ranges import ROOT, Decode, Keys, as_written
from knarr.storage.etcd.sharing import Shared
from knarr.storage.etcd.watching import METHOD, Watch, creation
from knarr.storage.state import check_writes
from knarr.storage.store import (
    CompactedError,
    ConflictError,
    Event,
    FutureRevisionError,
    Page,
    Record,
    StoreError,
    TooLargeError,
    UnavailableError,
    Write,
)
from knarr.wire.grpc import CallError

KEEP_SECONDS = 300  # upstream's --etcd-compaction-interval
PAGE = 2000  # keys of one answer; more are asked for in several
FULL = (
    "etcd's database has reached its quota: compact and defragment it, or raise --quota-backend-bytes; "
    "then disarm its alarm"
)
RANGE, TXN, COMPACT = (f"/etcdserverpb.KV/{method}" for method in ("Range", "Txn", "Compact"))

_TOO_LARGE = ("request is too large", "too many operations", "received message larger than max")


class EtcdStore:
    """The Store protocol over etcd v3. Made by `open`."""

    def __init__(self, client: EtcdClient, clock: Clock, keys: Keys, keep_seconds: float) -> None:
        self._client = client
        self._keys = keys
        self._leases = SharedLeases(client, clock)
        self._revision = Shared(self._read_revision)
        self._compacting: asyncio.Task[None] | None = None
        if keep_seconds:
            compactor = Compactor(client, clock, keep_seconds)
            self._compacting = asyncio.create_task(compactor.run(), name="etcd compaction")

    @classmethod
    async def open(
        cls,
        endpoints: Sequence[str],
        clock: Clock | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        credentials: Credentials | None = None,
        decode: Decode = as_written,
        root: str = ROOT,
        keep_seconds: float = KEEP_SECONDS,
    ) -> EtcdStore:
        """Connect to `host:port`s. Keys below /registry are kept below `root`. The past within `keep_seconds`
        stays readable; 0 leaves compaction to others.

        Raises UnavailableError when no member answers.
        """
        client = EtcdClient(endpoints, tls, credentials)
        store = cls(client, clock or RealClock(), Keys(decode, root), keep_seconds)
        try:
            await store.revision()
        except BaseException:
            await store.close()
            raise
        return store

    async def revision(self) -> int:
        return await self._revision()

    async def get(self, key: str) -> Record | None:
        answer = await self._read(RangeRequest(key=self._keys.stored(key)))
        return self._keys.record(answer.kvs[0]) if answer.kvs else None

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        while True:
            try:
                return await self._range(prefix, start, limit, revision)
            except CompactedError:
                if revision:
                    raise  # else the newest state was compacted away between two of its pieces

    async def _range(self, prefix: str, start: str, limit: int, revision: int) -> Page:
        """In pieces, all of them as of the first one's revision."""
        low, end = self._keys.span(prefix, start)
        records: list[Record] = []
        while True:
            size = min(PAGE, limit - len(records)) if limit else PAGE
            answer = await self._read(RangeRequest(key=low, range_end=end, limit=size, revision=revision))
            records += [self._keys.record(pair) for pair in answer.kvs]
            revision = revision or answer.header.revision
            if not answer.more or len(records) == limit:
                return Page(records, revision, answer.count - len(answer.kvs))
            low = answer.kvs[-1].key + b"\0"

    async def commit(self, writes: Sequence[Write]) -> int:
        check_writes(writes)
        try:
            return await self._commit(writes)
        except CallError as error:
            if "requested lease not found" not in error.message:
                raise _refused(error) from None
        self._leases.forget()
        try:
            return await self._commit(writes)
        except CallError as error:
            raise _refused(error) from None

    def watch(self, prefix: str, after: int) -> AsyncIterator[Sequence[Event]]:
        return Watch(self._client, prefix, after, self._keys, self._check_retained).run()

    async def compact(self, revision: int) -> None:
        try:
            await self._client.write(COMPACT, CompactionRequest(revision=revision), CompactionResponse)
        except CallError as error:
            if "future revision" in error.message:
                raise FutureRevisionError(await self.revision()) from None
            if "compacted" not in error.message:
                raise _refused(error) from None

    async def close(self) -> None:
        if self._compacting:
            self._compacting.cancel()
            await asyncio.gather(self._compacting, return_exceptions=True)
        await self._client.close()

    async def _read_revision(self) -> int:
        answer = await self._read(RangeRequest(key=KEY, keys_only=True))
        return int(answer.header.revision)

    async def _read(self, request: Any) -> Any:
        """A linearizable read. Raises CompactedError, FutureRevisionError, UnavailableError."""
        try:
            return await self._client.read(RANGE, request, RangeResponse)
        except CallError as error:
            if "has been compacted" in error.message:
                raise CompactedError(await self._oldest()) from None
            if "future revision" in error.message:
                raise FutureRevisionError(await self.revision()) from None
            raise _refused(error) from None

    async def _check_retained(self, revision: int) -> None:
        """Raises CompactedError unless the state at `revision` can be read; the first there is has number 1."""
        await self._read(RangeRequest(key=KEY, revision=max(revision, 1), count_only=True))

    async def _oldest(self) -> int:
        """The revision that etcd was compacted to, which it tells to none but a watch from before that."""
        try:
            async with self._client.stream(METHOD) as call:
                call.send(creation(KEY, b"", 1))
                while (data := await call.receive()) is not None:
                    answer = WatchResponse.FromString(data)
                    if answer.canceled:
                        return int(answer.compact_revision)
        except CallError as error:
            raise _refused(error) from None
        raise UnavailableError("etcd did not say what it was compacted to")

    async def _commit(self, writes: Sequence[Write]) -> int:
        request = TxnRequest()
        for write in writes:
            key = self._keys.stored(write.key)
            if write.expected is not None:
                request.compare.add(key=key, target=MOD, mod_revision=write.expected)
                request.failure.add().request_range.key = key
            operation = request.success.add()
            if write.value is None:
                operation.request_delete_range.key = key
                continue
            operation.request_put.key, operation.request_put.value = key, write.value
            if write.ttl is not None:
                operation.request_put.lease = await self._leases.lease(write.ttl)
        answer = await self._client.write(TXN, request, TxnResponse)
        if not answer.succeeded:
            raise self._conflict(writes, answer)
        return int(answer.header.revision)

    def _conflict(self, writes: Sequence[Write], answer: Any) -> ConflictError:
        """The first write that did not find what it expected."""
        conditional = [write for write in writes if write.expected is not None]
        for write, found in zip(conditional, answer.responses, strict=True):
            pairs = found.response_range.kvs
            if write.expected != (pairs[0].mod_revision if pairs else 0):
                return ConflictError(write.key, self._keys.record(pairs[0]) if pairs else None)
        raise AssertionError("etcd found a conflict where there is none")


def _refused(error: CallError) -> StoreError:
    """What etcd will not do, in words that help."""
    if "space exceeded" in error.message:
        return UnavailableError(FULL)
    if any(words in error.message for words in _TOO_LARGE):
        return TooLargeError(error.message)
    return UnavailableError(f"etcd: {error.message}")
