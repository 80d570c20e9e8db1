from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.etcd import leases
from knarr.storage.etcd.client import EtcdClient
from knarr.storage.etcd.leases import SharedLeases


class Granting:
    """Grants leases with numbers, and remembers for how long."""

    def __init__(self) -> None:
        self.granted: list[int] = []
        self._numbers = count(1)

    async def write(self, method: str, request: Any, answer: Any) -> Any:
        self.granted.append(request.TTL)
        return SimpleNamespace(ID=next(self._numbers))


@pytest.fixture
def etcd() -> Granting:
    return Granting()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def shared(etcd: Granting, clock: VirtualClock) -> SharedLeases:
    return SharedLeases(cast(EtcdClient, etcd), clock)


async def test_keys_that_end_about_the_same_time_share_one(
    shared: SharedLeases, etcd: Granting, clock: VirtualClock
) -> None:
    found = []
    for _ in range(7):
        found.append(await shared.lease(3600))
        await clock.advance(15)
    assert (found, etcd.granted) == ([1, 1, 1, 1, 1, 2, 2], [3660, 3660])


@pytest.mark.parametrize(("ttl", "granted"), [(1, 2), (15, 16), (100, 105), (1200, 1260), (86400, 86460)])
async def test_none_lives_much_longer_than_it_asked_for(
    shared: SharedLeases, etcd: Granting, ttl: float, granted: int
) -> None:
    await shared.lease(ttl)
    assert etcd.granted == [granted]


async def test_each_time_to_live_has_its_own(shared: SharedLeases) -> None:
    assert [await shared.lease(ttl) for ttl in (15, 3600, 15, 3600)] == [1, 2, 1, 2]


async def test_one_has_so_many_members(shared: SharedLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "MEMBERS", 3)
    assert [await shared.lease(60) for _ in range(7)] == [1, 1, 1, 2, 2, 2, 3]


async def test_what_etcd_has_forgotten_is_asked_for_again(shared: SharedLeases) -> None:
    assert await shared.lease(60) == 1
    shared.forget()
    assert await shared.lease(60) == 2
