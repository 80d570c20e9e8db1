"""The node's components, as who they are: nothing that they ask of the server is refused.

Controllers are in test_controllers.py, the scheduler in test_scheduling.py, kubelets in test_rbac_nodes.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import ENDPOINT_SLICES, SERVICES
from knarr.dns import component as dns
from knarr.machinery.clock import RealClock
from knarr.proxy import component as proxy
from knarr.proxy.kernel import Table
from knarr.runtime.informer import Informer
from tests.api.access import Somebody
from tests.api.front import Running, running

CLOCK, PATIENCE = RealClock(), 10.0
DNS = dns.Options("192.0.2.1", 10053, "n1", "10.96.0.10")


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        yield found


def client(front: Running, user: str) -> Client:
    return Client(InProcessTransport(front.application, User(user, groups=(AUTHENTICATED,))))


@asynccontextmanager
async def filled(*caches: Informer[Any]) -> AsyncIterator[None]:
    """Caches at work, when each has been listed."""
    tasks = [asyncio.create_task(cache.run()) for cache in caches]
    try:
        async with asyncio.timeout(PATIENCE):
            for cache in caches:
                await cache.wait_synced()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_the_dns_publishes_itself_and_knows_the_services(front: Running) -> None:
    api = client(front, "system:kube-dns")
    async with asyncio.timeout(PATIENCE):
        await dns.publish(api, CLOCK, DNS)
        await dns.publish(api, CLOCK, DNS)  # as after a restart: what is there is brought up to date
    cluster = dns.CachedCluster(api, CLOCK)
    async with filled(*cluster.informers):
        assert cluster.has_namespace("kube-system")
        assert [each.metadata.key for each in cluster.services_at("10.96.0.10")] == ["kube-system/kube-dns"]


async def test_the_dns_may_change_no_other_service(front: Running) -> None:
    somebody = Somebody(front, "system:kube-dns")
    services = "/api/v1/namespaces/kube-system/services"
    ports = {"ports": [{"port": 80}]}
    assert (await somebody.send(f"POST {services}", {"metadata": {"name": "other"}, "spec": ports}))[0] == 201
    assert (await somebody.send(f"PATCH {services}/other", {"metadata": {"labels": {"a": "b"}}}))[0] == 403
    assert (await somebody.send("PATCH /api/v1/namespaces/default/services/kubernetes", {}))[0] == 403


async def test_the_proxy_knows_the_services(front: Running) -> None:
    api = client(front, "system:kube-proxy")
    found = proxy.Proxy(api, CLOCK, proxy.Options("n1"), Mock(Table))
    async with filled(found.services, found.slices):
        assert found.services.get("default/kubernetes")
    for resource in (SERVICES, ENDPOINT_SLICES):
        assert (await api.list(resource, view=Object)).items
