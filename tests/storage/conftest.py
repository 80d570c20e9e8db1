from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.etcd import EtcdStore
from knarr.storage.memory import MemoryStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Store
from tests.storage.etcds import Etcd, etcd
from tests.storage.fresh import FreshStore

Elapse = Callable[[float], Awaitable[None]]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """One etcd for all tests of this worker; they keep to keys of their own."""
    with etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def elapse(store: Store, clock: VirtualClock) -> Elapse:
    """Let seconds pass: real ones where the engine has a clock of its own."""
    return asyncio.sleep if isinstance(store, FreshStore) else clock.advance


@pytest.fixture(params=["memory", "sqlite", "etcd"])
async def store(request: pytest.FixtureRequest, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Store]:
    """Every engine in turn: what a test asks of one, it asks of all."""
    engine: Store
    match request.param:
        case "memory":
            engine = MemoryStore(clock)
        case "sqlite":
            engine = await SqliteStore.open(tmp_path / "store.db", clock)
        case _:
            server: Etcd = request.getfixturevalue("server")
            opened = await EtcdStore.open(server.endpoints, clock, tls=server.tls(), keep_seconds=0)
            engine = await FreshStore.made(opened, f"/{uuid.uuid4().hex}")
    yield engine
    await engine.close()
