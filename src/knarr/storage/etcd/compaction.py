"""Compaction that all API servers of an etcd agree on, upstream's among them.

The key `compact_rev_key` counts, by its version, the rounds that there have been. Who wants to compact writes it on the
condition that nobody has begun a round since its own last look; so one server does each round, whichever is first. It
compacts to the revision that it saw a round ago: what has happened since is kept, for one to two intervals.
(k8s.io/apiserver, storage/etcd3/compact.go)
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from knarr.machinery.clock import Clock
from knarr.storage.etcd.client import EtcdClient
from knarr.storage.etcd.messages import (
    VERSION,
    CompactionRequest,
    CompactionResponse,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
    TxnResponse,
)
from knarr.storage.store import UnavailableError
from knarr.wire.grpc import CallError

log = logging.getLogger(__name__)

KEY = b"compact_rev_key"


class Round(NamedTuple):
    """The newest round that we know of, and the revision when we looked."""

    number: int = 0
    revision: int = 0


class Compactor:
    """Compacts every `interval` seconds, unless another server has."""

    def __init__(self, client: EtcdClient, clock: Clock, interval: float) -> None:
        self._client = client
        self._clock = clock
        self._interval = interval

    async def run(self) -> None:
        """Until cancelled."""
        last = Round()
        while True:
            try:
                last = await self.take_turn(last)
            except (CallError, UnavailableError) as error:
                log.warning("compaction has to wait: %s", error)
            await self._clock.sleep(self._interval)

    async def take_turn(self, last: Round) -> Round:
        """Do the round after `last`, if it is still to be done. Raises CallError, UnavailableError."""
        request = TxnRequest(failure=[RequestOp(request_range=RangeRequest(key=KEY))])
        request.compare.add(key=KEY, target=VERSION, version=last.number)
        request.success.add().request_put.MergeFrom(PutRequest(key=KEY, value=b"%d" % last.revision))
        answer = await self._client.write("/etcdserverpb.KV/Txn", request, TxnResponse)
        now = answer.header.revision
        if not answer.succeeded:
            (pair,) = answer.responses[0].response_range.kvs
            return Round(pair.version, now)
        if last.revision:
            await self._compact(last.revision)
        return Round(last.number + 1, now)

    async def _compact(self, revision: int) -> None:
        try:
            await self._client.write(
                "/etcdserverpb.KV/Compact", CompactionRequest(revision=revision), CompactionResponse
            )
        except CallError as error:
            if error.code != "OutOfRange":  # somebody has compacted further
                raise
