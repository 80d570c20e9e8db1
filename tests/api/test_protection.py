"""Claims and volumes that are deleted stay as long as somebody uses them."""

from __future__ import annotations

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, VOLUME_ATTRIBUTES_CLASSES
from knarr.controllers import pvcprotection, pvprotection, vacprotection
from knarr.machinery.errors import NotFound
from tests.api.cluster import Cluster
from tests.api.harness import Server

SIZE: JSON = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
DISK: JSON = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}}


@pytest.fixture
def cluster(server: Server) -> Cluster:
    return Cluster(server)


async def test_a_claim_stays_until_its_pod_is_gone(cluster: Cluster) -> None:
    async with cluster.running(pvcprotection.CONTROLLER):
        await cluster.create(PERSISTENT_VOLUME_CLAIMS, "c", SIZE)
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
        spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
        pod = await cluster.create(PODS, "p", spec)
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
        await cluster.settle()
        assert (await cluster.get(PERSISTENT_VOLUME_CLAIMS, "c"))["metadata"]["deletionTimestamp"]
        await cluster.purge(pod)
        with pytest.raises(NotFound):
            await cluster.get(PERSISTENT_VOLUME_CLAIMS, "c")


async def test_a_claim_that_nobody_uses_goes_at_once(cluster: Cluster) -> None:
    async with cluster.running(pvcprotection.CONTROLLER):
        await cluster.create(PERSISTENT_VOLUME_CLAIMS, "c", SIZE)
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
        await cluster.settle()
        assert await cluster.all(PERSISTENT_VOLUME_CLAIMS) == []


async def test_a_volume_stays_while_it_is_bound(cluster: Cluster) -> None:
    async with cluster.running(pvprotection.CONTROLLER):
        await cluster.client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "v"}, "spec": DISK})
        await cluster.client.patch(PERSISTENT_VOLUMES, "v", {"status": {"phase": "Bound"}}, subresource="status")
        await cluster.client.delete(PERSISTENT_VOLUMES, "v")
        await cluster.settle()
        assert (await cluster.client.get(PERSISTENT_VOLUMES, "v", view=dict))["metadata"]["deletionTimestamp"]
        await cluster.client.patch(PERSISTENT_VOLUMES, "v", {"status": {"phase": "Released"}}, subresource="status")
        await cluster.settle()
        with pytest.raises(NotFound):
            await cluster.client.get(PERSISTENT_VOLUMES, "v", view=dict)


async def test_a_class_of_attributes_stays_while_a_claim_has_it(cluster: Cluster) -> None:
    async with cluster.running(vacprotection.CONTROLLER):
        fast = {"metadata": {"name": "fast"}, "driverName": "example.com", "parameters": {"iops": "9"}}
        await cluster.client.create(VOLUME_ATTRIBUTES_CLASSES, fast)
        await cluster.create(PERSISTENT_VOLUME_CLAIMS, "c", {**SIZE, "volumeAttributesClassName": "fast"})
        await cluster.client.delete(VOLUME_ATTRIBUTES_CLASSES, "fast")
        await cluster.settle()
        assert (await cluster.client.get(VOLUME_ATTRIBUTES_CLASSES, "fast", view=dict))["metadata"]["deletionTimestamp"]
        patch = {"metadata": {"finalizers": None}}
        await cluster.patch(PERSISTENT_VOLUME_CLAIMS, "c", patch)
        await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
        await cluster.settle()
        with pytest.raises(NotFound):
            await cluster.client.get(VOLUME_ATTRIBUTES_CLASSES, "fast", view=dict)
