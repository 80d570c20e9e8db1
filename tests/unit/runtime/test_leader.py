"""One leader at a time, and another one when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from knarr.client.client import Client
from knarr.machinery.clock import VirtualClock
from knarr.machinery.figures import Figures
from knarr.runtime.leader import LEADS, LeaderElector, LeadershipLost
from tests.unit.fake_api import JSON, FakeAPI

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/scheduler"


class Election:
    def __init__(self) -> None:
        self.api, self.clock, self.leading = FakeAPI(), VirtualClock(), list[str]()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.figures: dict[str, Figures] = {}

    def stand(self, identity: str) -> None:
        async def work() -> None:
            self.leading.append(identity)
            try:
                await asyncio.Event().wait()
            finally:
                self.leading.remove(identity)

        figures = self.figures[identity] = Figures()
        elector = LeaderElector(Client(self.api), self.clock, "scheduler", identity, figures=figures)
        self.tasks[identity] = asyncio.create_task(elector.run(work))

    async def stop(self, identity: str) -> None:
        self.tasks[identity].cancel()
        with suppress(asyncio.CancelledError):
            await self.tasks[identity]

    def told(self) -> dict[str, float]:
        """Who says that it leads."""
        return {identity: figures.count(LEADS, ("scheduler",)).n for identity, figures in self.figures.items()}

    @property
    def lease(self) -> JSON:
        spec: JSON = self.api.objects[LEASE]["spec"]
        return spec


@pytest.fixture
async def election() -> AsyncIterator[Election]:
    election = Election()
    yield election
    for identity in election.tasks:
        await election.stop(identity)


async def test_the_first_leads_and_renews(election: Election) -> None:
    election.stand("a")
    await election.clock.advance(0)
    election.stand("b")
    await election.clock.advance(60)
    assert election.leading == ["a"]
    renewed = election.lease.pop("renewTime")
    assert election.lease == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "leaseTransitions": 0,
    }
    assert renewed == "2026-01-01T00:01:00.000000Z"


async def test_figures_say_who_leads(election: Election) -> None:
    for identity in ("a", "b"):
        election.stand(identity)
        await election.clock.advance(0)
    assert election.told() == {"a": 1, "b": 0}
    await election.stop("a")
    await election.clock.advance(3)
    assert election.told() == {"a": 0, "b": 1}


async def test_a_leader_that_stops_hands_over_at_once(election: Election) -> None:
    election.stand("a")
    await election.clock.advance(0)
    election.stand("b")
    await election.clock.advance(3)
    await election.stop("a")
    assert election.lease["holderIdentity"] == ""
    await election.clock.advance(3)
    assert (election.leading, election.lease["leaseTransitions"]) == (["b"], 1)


async def test_a_dead_leaders_lease_is_taken_when_it_has_run_out(election: Election) -> None:
    spec = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "renewTime": "2020-01-01T00:00:00.000000Z"}
    election.api.put(LEASE, {"spec": spec})
    election.stand("b")
    await election.clock.advance(0)
    await election.clock.advance(14)
    assert election.leading == []  # the other's clock is not trusted
    await election.clock.advance(4)
    assert election.leading == ["b"]


async def test_a_leader_that_cannot_renew_stops(election: Election) -> None:
    election.stand("a")
    await election.clock.advance(0)
    election.api.fail("GET", "leases", ConnectionRefusedError("down"), times=20)
    await election.clock.advance(8)
    assert election.leading == ["a"]
    await election.clock.advance(4)
    assert election.leading == []
    with pytest.raises(LeadershipLost, match="a could not renew kube-system/scheduler"):
        await election.tasks["a"]
    election.tasks.clear()
