from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.backends import Backend, backend
from tests.api.certificates import Pair
from tests.api.front import Running, running
from tests.api.harness import Server
from tests.api.processes import NEWEST, OLDEST, ServerProcess, namespace_of, server_process
from tests.api.refusals import Sender
from tests.kubectl import Kubectl
from tests.stores import open_store


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """An API with the namespace `default` and its service account."""
    running = Server(store=await open_store(tmp_path))
    await running.cache.start()
    running.api.start()
    await running.post("/api/v1/namespaces", {"metadata": {"name": "default"}})
    await running.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield running
    running.api.close()
    await running.cache.stop()
    await running.store.close()


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Running]:
    """An API server whole, over TLS, with a node and a default service account."""
    async with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(front: Running) -> Pair:
    """The certificate of the front's administrator."""
    return front.authority.issue("kubernetes-admin", "system:masters")


@pytest.fixture
async def wardle(front: Running) -> AsyncIterator[Backend]:
    """The server of an aggregated API, which the front has not heard of yet."""
    async with backend(front.authority) as found:
        yield found


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all journeys of this worker; they keep to namespaces of their own."""
    with server_process(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=[OLDEST, NEWEST], ids=lambda binary: binary.name)
def kubectl(process: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl, the oldest and the newest, in a namespace that the test has for itself."""
    with namespace_of(process) as name:
        yield process.kubectl(request.param, name)


@pytest.fixture
def namespace(process: ServerProcess) -> Iterator[str]:
    """A namespace that the test has for itself."""
    with namespace_of(process) as name:
        yield name


@pytest.fixture
def sender(process: ServerProcess, namespace: str) -> Iterator[Sender]:
    """Requests of the admin's in that namespace; none may leave a traceback in the server's log."""
    yield Sender(process, namespace)
    assert "Traceback" not in process.said()
