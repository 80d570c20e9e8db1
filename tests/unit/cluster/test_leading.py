"""When a component asks for a lease before it works, and for which."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from knarr.client.client import Client
from knarr.cluster.config import Config
from knarr.cluster.elections import Elections
from knarr.cluster.server import leading
from knarr.machinery.clock import VirtualClock
from tests.unit.fake_api import FakeAPI

LEASES = "/apis/coordination.k8s.io/v1/namespaces"
ETCD = "etcd://192.0.2.1:2379"


@pytest.mark.parametrize(
    ("datastore", "elections", "leases"),
    [
        pytest.param("memory:", Elections(), {}, id="alone"),
        pytest.param(ETCD, Elections(elect=False), {}, id="told to be alone"),
        pytest.param(ETCD, Elections(), {f"{LEASES}/kube-system/leases/part": 15}, id="one of several"),
        pytest.param(
            "memory:",
            Elections(elect=True, lease_duration=60, resource_namespace="here"),
            {f"{LEASES}/here/leases/part": 60},
            id="told to be one of several",
        ),
    ],
)
async def test_who_asks_for_which_lease(datastore: str, elections: Elections, leases: dict[str, int]) -> None:
    api, working = FakeAPI(), asyncio.Event()

    async def work() -> None:
        working.set()
        await asyncio.Event().wait()

    config = Config(data="/d", node_name="n", datastore=datastore, elections=elections)
    task = asyncio.create_task(leading(config, Client(api), VirtualClock(), "part", work))
    async with asyncio.timeout(5):
        await working.wait()
    found = {path: lease["spec"]["leaseDurationSeconds"] for path, lease in api.objects.items() if "leases" in path}
    assert found == leases
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
