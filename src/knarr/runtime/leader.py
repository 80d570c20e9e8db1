"""One of many: whoever holds a Lease leads, until it fails to renew it. Upstream's times are the default.

Other candidates' clocks are not trusted: a lease counts as expired when it was seen unchanged for its whole duration.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from knarr.client.client import Client
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import LEASES
from knarr.machinery.clock import Clock
from knarr.machinery.errors import AlreadyExists, APIError, Conflict, NotFound
from knarr.machinery.figures import Family, Figures
from knarr.machinery.times import format_micro

log = logging.getLogger(__name__)

LEADS = Family(
    "leader_election_master_status",
    "gauge",
    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' "
    "is the string used to identify the lease. Please make sure to group by name.",
    ("name",),
)


class LeaseSpec(View, frozen=True):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class Lease(Object, frozen=True):
    spec: LeaseSpec = LeaseSpec()


class LeadershipLost(Exception):  # what happened, not an error of anybody's
    """The lease could not be renewed in time; somebody else may lead by now."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how long a lease holds, how long a leader tries to renew it, and how often anybody tries."""

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0


class LeaderElector:
    """A candidate for the lease `namespace/name`."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        name: str,
        identity: str,
        *,
        namespace: str = "kube-system",
        times: Times | None = None,
        figures: Figures | None = None,
    ) -> None:
        self._client, self._clock = client, clock
        self._name, self._namespace, self._identity = name, namespace, identity
        self._times = times or Times()
        self._leads = (figures or Figures()).count(LEADS, (name,))
        self._seen = Lease()
        self._seen_at = clock.monotonic()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for leadership, then work; raises `LeadershipLost`, with the work cancelled, when the lease is lost.

        A lease that is still ours when the work ends, well or cancelled, is given back, so that nobody has to wait
        for its end.
        """
        while not await self._attempt():
            await self._clock.sleep(self._times.retry * (1 + 0.2 * random.random()))  # noqa: S311  # not a secret
        log.info("%s leads %s/%s", self._identity, self._namespace, self._name)
        self._leads.n = 1
        worker = asyncio.ensure_future(work())
        keeper = asyncio.ensure_future(self._keep())
        try:
            await asyncio.wait([worker, keeper], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leads.n = 0
            lost = keeper.done()
            for task in (worker, keeper):
                task.cancel()
            await asyncio.wait([worker, keeper])
            if not lost:
                await self._release()
        if lost:
            raise LeadershipLost(f"{self._identity} could not renew {self._namespace}/{self._name}")
        worker.result()

    async def _keep(self) -> None:
        """Renew until that has failed for the whole renew deadline."""
        renewed = self._clock.monotonic()
        while self._clock.monotonic() - renewed < self._times.renew:
            await self._clock.sleep(self._times.retry)
            if await self._attempt():
                renewed = self._clock.monotonic()

    async def _attempt(self) -> bool:
        """Take or renew the lease; whether it is ours."""
        try:
            return await self._take()
        except (AlreadyExists, Conflict):
            return False
        except (APIError, ConnectionError, TimeoutError) as error:
            log.debug("lease %s/%s: %s", self._namespace, self._name, error)
            return False

    async def _take(self) -> bool:
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace, view=Lease)
        except NotFound:
            await self._client.create(LEASES, self._body(Lease()), self._namespace)
            return True
        self._observe(lease)
        if lease.spec.holder_identity not in (None, "", self._identity) and not self._expired():
            return False
        self._observe(await self._client.update(LEASES, self._body(lease), self._name, self._namespace, view=Lease))
        return True

    def _observe(self, lease: Lease) -> None:
        if lease.spec != self._seen.spec:
            self._seen, self._seen_at = lease, self._clock.monotonic()

    def _expired(self) -> bool:
        duration = self._seen.spec.lease_duration_seconds or self._times.lease
        return self._clock.monotonic() - self._seen_at >= duration

    async def _release(self) -> None:
        """Leave the lease without a holder, if the server can still be told."""
        try:
            lease = await self._client.get(LEASES, self._name, self._namespace, view=Lease)
            if lease.spec.holder_identity == self._identity:
                body = self._body(lease)
                body["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                await self._client.update(LEASES, body, self._name, self._namespace)
        except (APIError, ConnectionError, TimeoutError) as error:
            log.debug("lease %s/%s was not given back: %s", self._namespace, self._name, error)

    def _body(self, lease: Lease) -> JSON:
        ours = lease.spec.holder_identity == self._identity
        now = format_micro(self._clock.now())
        metadata = {
            "name": self._name,
            "namespace": self._namespace,
            "resourceVersion": lease.metadata.resource_version,
        }
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(self._times.lease),
            "acquireTime": lease.spec.acquire_time if ours and lease.spec.acquire_time else now,
            "renewTime": now,
            "leaseTransitions": (lease.spec.lease_transitions or 0) + (0 if ours or not lease.metadata.uid else 1),
        }
        return {"metadata": {k: v for k, v in metadata.items() if v}, "spec": spec}
