"""Leases for keys that end by themselves, shared by those that end about the same time.

A lease for each Event would be a round trip and a commit of etcd's more for each; so a key may live up to a twentieth
of its time longer, a minute at most, as it does under upstream's API server.
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import NamedTuple

from knarr.machinery.clock import Clock
from knarr.storage.etcd.client import EtcdClient
from knarr.storage.etcd.messages import LeaseGrantRequest, LeaseGrantResponse

SHARE, LONGEST_SHARE = 0.05, 60.0  # how much longer a key may live than it asked for: a part of that, seconds
MEMBERS = 1000  # keys of one lease: etcd ends them in one transaction


class Lease(NamedTuple):
    """A lease of etcd's, as far as it is known here."""

    id: int
    ends: float  # monotonic time; never later than by etcd's own clock, which starts when the request arrives


class SharedLeases:
    """The newest lease for each time to live."""

    def __init__(self, client: EtcdClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._newest: dict[float, Lease] = {}
        self._members: dict[int, int] = {}
        self._granting = asyncio.Lock()

    async def lease(self, ttl: float) -> int:
        """A lease that lasts `ttl` seconds at least. Raises CallError, UnavailableError."""
        async with self._granting:
            lease = self._newest.get(ttl)
            if lease is None or not self._serves(lease, ttl):
                lease = self._newest[ttl] = await self._grant(ceil(ttl + min(ttl * SHARE, LONGEST_SHARE)))
                self._members = {known.id: self._members.get(known.id, 0) for known in self._newest.values()}
            self._members[lease.id] += 1
            return lease.id

    def forget(self) -> None:
        """One of them is not known to etcd any more."""
        self._newest.clear()

    def _serves(self, lease: Lease, ttl: float) -> bool:
        return self._clock.monotonic() + ttl <= lease.ends and self._members[lease.id] < MEMBERS

    async def _grant(self, seconds: int) -> Lease:
        asked = self._clock.monotonic()
        request = LeaseGrantRequest(TTL=seconds)
        answer = await self._client.write("/etcdserverpb.Lease/LeaseGrant", request, LeaseGrantResponse)
        return Lease(answer.ID, asked + seconds)
