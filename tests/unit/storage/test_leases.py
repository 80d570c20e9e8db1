from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.leases import RETRY_SECONDS, Leases
from knarr.storage.store import ConflictError, UnavailableError, Write


class Deletions:
    """Takes commits, after as many failures as it is given."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.keys: list[str] = []

    async def commit(self, writes: Sequence[Write]) -> int:
        if self.failures:
            raise self.failures.pop(0)
        self.keys += [write.key for write in writes]
        return 1


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def deletions() -> Deletions:
    return Deletions()


@pytest.fixture
async def leases(clock: VirtualClock, deletions: Deletions) -> AsyncIterator[Leases]:
    leases = Leases(clock, deletions.commit)
    yield leases
    await leases.close()


async def advance(clock: VirtualClock, seconds: float) -> None:
    await clock.advance(seconds)
    for _ in range(5):  # what was due is done
        await asyncio.sleep(0)


async def test_end_in_whole_seconds_and_in_order(clock: VirtualClock, leases: Leases, deletions: Deletions) -> None:
    for key, ttl in (("/c", 30), ("/a", 9.2), ("/b", 9.9)):
        leases.grant(key, 1, leases.end_of(ttl))
    await advance(clock, 9.95)
    assert deletions.keys == []
    await advance(clock, 0.05)
    assert deletions.keys == ["/a", "/b"]
    await advance(clock, 20)
    assert deletions.keys == ["/a", "/b", "/c"]


async def test_are_tried_again_while_the_store_is_away(
    clock: VirtualClock, leases: Leases, deletions: Deletions
) -> None:
    deletions.failures = [UnavailableError("full")] * 2
    leases.grant("/a", 1, leases.end_of(1))
    for seconds, gone in ((1, []), (RETRY_SECONDS, []), (RETRY_SECONDS, ["/a"])):
        await advance(clock, seconds)
        assert deletions.keys == gone


async def test_of_a_key_written_since_are_void(clock: VirtualClock, leases: Leases, deletions: Deletions) -> None:
    deletions.failures = [ConflictError("/a", None)]
    leases.grant("/a", 1, leases.end_of(1))
    await advance(clock, 1)
    await advance(clock, 100)
    assert (deletions.keys, deletions.failures) == ([], [])


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
async def test_do_not_care_for_jumps_of_the_wall_clock(
    clock: VirtualClock, leases: Leases, deletions: Deletions, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    leases.grant("/a", 1, leases.end_of(10))
    before = clock.now
    monkeypatch.setattr(clock, "now", lambda: before() + jump)
    leases.grant("/b", 2, leases.end_of(10))
    await advance(clock, 9)
    assert deletions.keys == []
    await advance(clock, 1)
    assert deletions.keys == ["/a", "/b"]
