from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.store import Store
from tests.storage.etcds import Etcd
from tests.storage.fresh import FreshStore
from tests.stores import ENGINES, open_store, worker_etcd

Elapse = Callable[[float], Awaitable[None]]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def server() -> Etcd:
    return worker_etcd()


@pytest.fixture
def elapse(store: Store, clock: VirtualClock) -> Elapse:
    """Let seconds pass: real ones where the engine has a clock of its own."""
    return asyncio.sleep if isinstance(store, FreshStore) else clock.advance


@pytest.fixture(params=(*ENGINES, "sealed"))
async def store(request: pytest.FixtureRequest, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Store]:
    """Every engine in turn: what a test asks of one, it asks of all."""
    engine = await open_store(tmp_path, clock, engine=request.param)
    yield engine
    await engine.close()
