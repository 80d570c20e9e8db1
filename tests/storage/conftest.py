from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.storage.memory import MemoryStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Store


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[Store]:
    """Every engine in turn: what a test asks of one, it asks of all."""
    engine: Store
    if request.param == "memory":
        engine = MemoryStore(clock)
    else:
        engine = await SqliteStore.open(tmp_path / "store.db", clock)
    yield engine
    await engine.close()
