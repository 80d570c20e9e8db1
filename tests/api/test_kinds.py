"""Kinds with versions, subresources or times of their own, as clients see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.harness import Server

JSON = dict[str, Any]
SCALERS = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
SLICES = "/apis/resource.k8s.io/v1/resourceslices"


async def test_an_autoscaler_is_one_object_in_both_versions(server: Server) -> None:
    v1, v2 = SCALERS.format("v1"), SCALERS.format("v2")
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 60}
    made = await server.post(v1, {"metadata": {"name": "web"}, "spec": spec})
    assert (made.status, made.body["spec"]) == (201, {**spec, "minReplicas": 1})
    newer = (await server.get(f"{v2}/web")).body
    assert newer["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    assert newer["metadata"] == made.body["metadata"]
    memory = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 70}}
    metrics = [*newer["spec"]["metrics"], {"type": "Resource", "resource": memory}]
    await server.patch(f"{v2}/web", {"spec": {"metrics": metrics}})
    older = (await server.patch(f"{v1}/web", {"spec": {"maxReplicas": 5}})).body
    assert older["spec"]["maxReplicas"] == 5
    kept = (await server.get(f"{v2}/web")).body["spec"]["metrics"]
    assert sorted(m["resource"]["name"] for m in kept) == ["cpu", "memory"]


async def test_a_taint_of_a_device_says_since_when(server: Server) -> None:
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    device = {"name": "d", "taints": [{"key": "a", "effect": "NoExecute"}]}
    spec = {"driver": "gpu.example.com", "pool": pool, "allNodes": True, "devices": [device]}
    made = await server.post(SLICES, {"metadata": {"name": "s"}, "spec": spec})
    assert made.status == 201
    assert made.body["spec"]["devices"][0]["taints"][0]["timeAdded"] == made.body["metadata"]["creationTimestamp"]


POD_SPEC = {"containers": [{"name": "a", "image": "a"}]}
DEPLOYMENT = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC},
}
GENERATIONS: dict[str, tuple[str, JSON, JSON, tuple[int | None, int | None]]] = {
    "annotations of a Deployment": (
        "/apis/apps/v1/namespaces/default/deployments",
        {"spec": DEPLOYMENT},
        {"metadata": {"annotations": {"a": "b"}}},
        (1, 2),
    ),
    "annotations of a ReplicaSet": (
        "/apis/apps/v1/namespaces/default/replicasets",
        {"spec": DEPLOYMENT},
        {"metadata": {"annotations": {"a": "b"}}},
        (1, 1),
    ),
    "a template": (
        "/api/v1/namespaces/default/podtemplates",
        {"template": {"spec": POD_SPEC}},
        {"template": {"metadata": {"labels": {"a": "b"}}}},
        (1, 2),
    ),
    "a priority's description": (
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        {"value": 1},
        {"description": "what it is for"},
        (1, 1),
    ),
    "a class of storage": (
        "/apis/storage.k8s.io/v1/storageclasses",
        {"provisioner": "a.b/c"},
        {"allowVolumeExpansion": True},
        (None, None),
    ),
    "a class of attributes": (
        "/apis/storage.k8s.io/v1/volumeattributesclasses",
        {"driverName": "a.b", "parameters": {"a": "b"}},
        {"metadata": {"labels": {"a": "b"}}},
        (None, None),
    ),
    "a node": ("/api/v1/nodes", {}, {"spec": {"unschedulable": True}}, (None, None)),
}


@pytest.mark.parametrize("case", GENERATIONS)
async def test_generations(server: Server, case: str) -> None:
    path, body, patch, expected = GENERATIONS[case]
    made = await server.post(path, {"metadata": {"name": "one"}, **body})
    changed = await server.patch(f"{path}/one", patch)
    assert (made.status, changed.status) == (201, 200)
    assert tuple(reply.body["metadata"].get("generation") for reply in (made, changed)) == expected


async def test_the_template_of_a_daemon_set_is_numbered(server: Server) -> None:
    path, annotation = "/apis/apps/v1/namespaces/default/daemonsets", "deprecated.daemonset.template.generation"
    made = await server.post(path, {"metadata": {"name": "one"}, "spec": DEPLOYMENT})
    moved = await server.patch(f"{path}/one", {"spec": {"minReadySeconds": 1}, "metadata": {"annotations": None}})
    changed = await server.patch(f"{path}/one", {"spec": {"template": {"metadata": {"labels": {"c": "d"}}}}})
    numbers = [reply.body["metadata"]["annotations"][annotation] for reply in (made, moved, changed)]
    assert (numbers, changed.body["metadata"]["generation"]) == (["1", "1", "2"], 3)


async def test_the_claims_of_a_set_are_claims(server: Server) -> None:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    spec = {**DEPLOYMENT, "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}]}
    made = await server.post(
        "/apis/apps/v1/namespaces/default/statefulsets", {"metadata": {"name": "one"}, "spec": spec}
    )
    (found,) = made.body["spec"]["volumeClaimTemplates"]
    assert found == {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "metadata": {"name": "data"},
        "spec": {**claim, "volumeMode": "Filesystem"},
        "status": {"phase": "Pending"},
    }
