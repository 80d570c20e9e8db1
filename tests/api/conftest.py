from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.harness import Server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """An API with the namespace `default` and its service account."""
    running = Server()
    await running.cache.start()
    await running.post("/api/v1/namespaces", {"metadata": {"name": "default"}})
    await running.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield running
    running.api.close()
    await running.cache.stop()
    await running.store.close()
