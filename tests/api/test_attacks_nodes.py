"""A kubelet whose node somebody has taken over: what is another node's stays so, whichever way it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.access import NS, Somebody
from tests.api.front import NODE, Running, running

JSON = dict[str, Any]
SLICES = "/apis/resource.k8s.io/v1/resourceslices"
CLAIMS = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims"
REVIEWS = "/apis/authorization.k8s.io/v1"
CONTAINER = {"name": "c", "image": "i"}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="front")
async def _front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One for all: what is attempted changes nothing. Two nodes have a Pod each, that has a secret and a claim."""
    async with running(tmp_path_factory.mktemp("front")) as front:
        await front.post("/api/v1/nodes", {"metadata": {"name": "n2"}})
        for pod, node in (("mine", NODE), ("theirs", "n2")):
            await front.post(f"{NS}/pods", {"metadata": {"name": pod}, "spec": spec_of(pod, node)})
            await front.post(f"{NS}/secrets", {"metadata": {"name": pod}})
            claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
            await front.post(f"{NS}/persistentvolumeclaims", {"metadata": {"name": pod}, "spec": claim})
            await front.post(SLICES, {"metadata": {"name": pod}, "spec": slice_of(node)})
        await front.post(CLAIMS, {"metadata": {"name": "theirs"}, "spec": {}})
        yield front


@pytest.fixture
def kubelet(front: Running) -> Somebody:
    return Somebody(front, f"system:node:{NODE}", "system:nodes")


def spec_of(pod: str, node: str) -> JSON:
    source = {"name": "e", "valueFrom": {"secretKeyRef": {"name": pod, "key": "k"}}}
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": pod}}
    return {"nodeName": node, "containers": [{**CONTAINER, "env": [source]}], "volumes": [volume]}


def slice_of(node: str) -> JSON:
    pool = {"name": node, "generation": 1, "resourceSliceCount": 1}
    return {"nodeName": node, "driver": "d.example.com", "pool": pool, "devices": [{"name": "d"}]}


READS = [
    f"GET {NS}/secrets?fieldSelector=metadata.name%3Dtheirs",
    f"GET {NS}/secrets?fieldSelector=metadata.name%3Dmine,metadata.name%3Dtheirs",
    f"GET {NS}/secrets?fieldSelector=metadata.name%3Dtheirs&watch=true&timeoutSeconds=1",
    "GET /api/v1/watch/namespaces/default/secrets/theirs?timeoutSeconds=1",
    f"GET {NS}/secrets?labelSelector=a",
    f"GET {NS}/persistentvolumeclaims/theirs",
    f"GET {NS}/persistentvolumeclaims",
    f"GET {NS}/serviceaccounts/other",
    f"GET {NS}/serviceaccounts",
    f"GET {NS}/pods/theirs/log",
    f"GET {NS}/pods/mine/log",
    f"GET {NS}/pods?fieldSelector=spec.nodeName!%3D{NODE}",
    f"GET /api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}x",
    "GET /api/v1/nodes?fieldSelector=metadata.name%3Dn2",
    f"GET /api/v1/nodes/{NODE}/proxy/pods",
    "GET /api/v1/nodes/n2/proxy/pods",
    f"GET {SLICES}/theirs",
    f"GET {SLICES}?fieldSelector=spec.nodeName%3Dn2",
    f"GET {SLICES}?fieldSelector=spec.nodeName!%3D{NODE}",
    f"GET {CLAIMS}/theirs",
    "GET /apis/storage.k8s.io/v1/csinodes/n2",
    "GET /apis/storage.k8s.io/v1/csinodes",
    "GET /apis/rbac.authorization.k8s.io/v1/clusterroles/admin",
    "GET /apis/apps/v1/deployments",
    "GET /metrics",
]


@pytest.mark.parametrize("line", READS)
async def test_what_is_not_read(kubelet: Somebody, line: str) -> None:
    assert (await kubelet.send(line))[0] == 403


CLAIMED = [{"name": "c", "resourceClaimName": "theirs"}]
OWNERS = [{"apiVersion": "v1", "kind": "Node", "name": "n2", "uid": "x"}]
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}


def bound_to(kind: str, name: str) -> JSON:
    return {"spec": {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name}}}


BINDING = {"metadata": {"name": "theirs"}, "target": {"kind": "Node", "name": NODE}}
WRITES: list[tuple[str, JSON | None]] = [
    (f"DELETE {SLICES}", None),
    (f"DELETE {SLICES}?fieldSelector=spec.nodeName%3Dn2", None),
    (f"DELETE {SLICES}?labelSelector=a", None),
    (f"DELETE {SLICES}/theirs", None),
    (f"PATCH {SLICES}/theirs", {"spec": {"devices": []}}),
    (f"POST {SLICES}", {"metadata": {"name": "new"}, "spec": slice_of("n2")}),
    (f"POST {SLICES}", {"metadata": {"name": "new"}, "spec": {**slice_of("n2"), "nodeName": None, "allNodes": True}}),
    (f"DELETE {NS}/pods", None),
    (f"DELETE {NS}/pods?fieldSelector=spec.nodeName%3D{NODE}", None),
    (f"PATCH {NS}/pods/mine", {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {NS}/pods/theirs", {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {NS}/pods/mine/status", {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {NS}/pods/mine/status", {"status": {"resourceClaimStatuses": CLAIMED}}),
    (f"PATCH {NS}/pods/mine/status", {"status": {"resourceClaimStatuses": [{"name": "c"}]}}),
    (f"PATCH {NS}/pods/mine/ephemeralcontainers", {"spec": {"ephemeralContainers": [CONTAINER]}}),
    (f"PATCH {NS}/pods/mine/resize", {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}}),
    (f"POST {NS}/pods/theirs/binding", BINDING),
    (f"POST {NS}/bindings", BINDING),
    (f"POST {NS}/pods/theirs/eviction", {"metadata": {"name": "mine"}}),
    (f"POST {NS}/pods/mine/exec?command=sh", None),
    (f"POST {NS}/pods/theirs/attach", None),
    (f"POST {NS}/pods/theirs/portforward", None),
    (f"PATCH {NS}/persistentvolumeclaims/mine", {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {NS}/persistentvolumeclaims/theirs/status", {"status": {"capacity": {"storage": "1Ti"}}}),
    (f"PATCH {NS}/persistentvolumeclaims/mine/status", {"status": {"phase": "Lost"}}),
    (f"PATCH {NS}/persistentvolumeclaims/mine/status", {"metadata": {"labels": {"a": "b"}}}),
    (f"PATCH {NS}/persistentvolumeclaims/mine/status", {"metadata": {"annotations": {"a": "b"}}}),
    (f"PATCH {NS}/persistentvolumeclaims/mine/status", {"metadata": {"finalizers": ["a.example.com/b"]}}),
    ("PATCH /api/v1/nodes/n2", {"metadata": {"labels": {"a": "b"}}}),
    ("DELETE /api/v1/nodes/n2", None),
    (f"DELETE /api/v1/nodes/{NODE}", None),
    ("DELETE /api/v1/nodes", None),
    (f"PATCH /api/v1/nodes/{NODE}/status", {"metadata": {"labels": {"node-role.kubernetes.io/x": ""}}}),
    (f"PATCH /api/v1/nodes/{NODE}/status", {"metadata": {"labels": {"a.node-restriction.kubernetes.io/x": ""}}}),
    (f"PATCH /api/v1/nodes/{NODE}", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}),
    (f"PATCH /api/v1/nodes/{NODE}", {"metadata": {"ownerReferences": OWNERS}}),
    (f"POST {NS}/configmaps", {"metadata": {"name": "x"}}),
    (f"POST {NS}/secrets", {"metadata": {"name": "x"}}),
    (f"POST {NS}/serviceaccounts/default/token", bound_to("Node", NODE)),
    (f"POST {NS}/serviceaccounts/default/token", bound_to("Secret", "mine")),
    ("POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {"metadata": {"name": "x"}, "roleRef": ROLE}),
    ("POST /apis/coordination.k8s.io/v1/namespaces/default/leases", {"metadata": {"name": NODE}}),
    ("DELETE /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", None),
    ("POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", {"metadata": {"generateName": NODE}}),
    ("POST /apis/storage.k8s.io/v1/csinodes", {"metadata": {"name": "n2"}, "spec": {"drivers": []}}),
]


@pytest.mark.parametrize(("line", "body"), WRITES, ids=[f"{line} {number}" for number, (line, _) in enumerate(WRITES)])
async def test_what_is_not_written(kubelet: Somebody, line: str, body: JSON | None) -> None:
    status, message = await kubelet.send(line, body)
    assert (status, "Unexpected" in message) == (403, False), message


async def test_a_mirror_pods_owner_is_the_node_alone(front: Running, kubelet: Somebody) -> None:
    uid = (await front.send("GET", f"/api/v1/nodes/{NODE}", {}))["metadata"]["uid"]
    for about, why in (
        ({"name": "n2"}, f'node "{NODE}" can only create pods with an owner reference set to itself'),
        ({"controller": False}, f'node "{NODE}" can only create pods with a controller owner reference set to itself'),
        ({"blockOwnerDeletion": True}, f'node "{NODE}" must not set blockOwnerDeletion on an owner reference'),
        ({"uid": "x"}, f"node {NODE} UID mismatch: expected x got {uid}"),
    ):
        owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": uid, "controller": True, **about}
        metadata = {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [owner]}
        pod = {"metadata": metadata, "spec": {"nodeName": NODE, "containers": [CONTAINER]}}
        assert await kubelet.send(f"POST {NS}/pods", pod) == (403, f'pods "m" is forbidden: {why}')


async def test_what_is_its_own(kubelet: Somebody) -> None:
    """The same, where it is meant for the kubelet."""
    capacity = {"status": {"capacity": {"storage": "2Gi"}}}
    assert (await kubelet.send(f"PATCH {NS}/persistentvolumeclaims/mine/status", capacity))[0] == 200
    assert (await kubelet.send(f"PATCH {NS}/pods/mine/status", {"status": {"phase": "Running"}}))[0] == 200
    assert (await kubelet.send(f"GET {SLICES}/mine"))[0] == 200
