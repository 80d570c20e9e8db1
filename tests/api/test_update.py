from __future__ import annotations

import asyncio
from typing import Any

import pytest

from knarr.storage.store import UnavailableError
from tests.api.harness import JSON_PATCH, MERGE, STRATEGIC, Server
from tests.api.objects import CONFIG_MAPS, DEPLOYMENTS, PODS, config_map, deployment, pod

CM, DEPLOYMENT = f"{CONFIG_MAPS}/cm", f"{DEPLOYMENTS}/d"
OVERTAKEN = "the object has been modified; please apply your changes to the latest version and try again"


async def test_put_replaces_and_keeps_what_the_server_owns(server: Server) -> None:
    made = (await server.post(CONFIG_MAPS, config_map(a="b"))).body
    answer = await server.put(CM, config_map(c="d"))
    assert answer.status == 200
    kept = {key: made["metadata"][key] for key in ("uid", "creationTimestamp", "namespace")}
    assert answer.body["metadata"].items() >= kept.items()
    assert answer.body["data"] == {"c": "d"}


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        pytest.param("deletionTimestamp", "2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"', id="time"),
        pytest.param("deletionGracePeriodSeconds", 5, "5", id="grace"),
    ],
)
async def test_nobody_is_deleted_by_an_update(server: Server, field: str, value: object, shown: str) -> None:
    await server.post(CONFIG_MAPS, config_map())
    refused = await server.patch(CM, {"metadata": {field: value}})
    message = f'ConfigMap "cm" is invalid: metadata.{field}: Invalid value: {shown}: field is immutable'
    assert (refused.status, refused.body["message"]) == (422, message)


async def test_put_of_an_old_version_conflicts(server: Server) -> None:
    made = (await server.post(DEPLOYMENTS, deployment())).body
    await server.patch(DEPLOYMENT, {"metadata": {"labels": {"a": "b"}}})
    answer = await server.put(DEPLOYMENT, made)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["message"] == f'Operation cannot be fulfilled on deployments.apps "d": {OVERTAKEN}'
    assert answer.body["details"] == {"name": "d", "group": "apps", "kind": "deployments"}


async def test_a_write_that_changes_nothing_keeps_its_revision_and_wakes_nobody(server: Server) -> None:
    made = (await server.post(CONFIG_MAPS, config_map(a="b"))).body
    stream = await server.watch(CONFIG_MAPS, resourceVersion=made["metadata"]["resourceVersion"])
    assert (await server.put(CM, config_map(a="b"))).body == made
    assert (await server.patch(CM, {"data": {"a": "b"}})).body == made
    assert stream.take() == []


async def test_generation_counts_changes_of_the_spec_alone(server: Server) -> None:
    await server.post(DEPLOYMENTS, deployment())

    async def generation(path: str, patch: object) -> int:
        answer = await server.patch(path, patch)
        assert answer.status == 200
        return int(answer.body["metadata"]["generation"])

    assert await generation(DEPLOYMENT, {"metadata": {"labels": {"a": "b"}}}) == 1
    assert await generation(f"{DEPLOYMENT}/status", {"status": {"replicas": 1}}) == 1
    assert await generation(DEPLOYMENT, {"spec": {"paused": True}}) == 2


async def test_the_endpoints_of_an_object_write_their_part_alone(server: Server) -> None:
    await server.post(DEPLOYMENTS, deployment())
    both = {"spec": {"replicas": 5}, "status": {"replicas": 2}}
    status = (await server.patch(f"{DEPLOYMENT}/status", both)).body
    assert (status["spec"].get("replicas"), status["status"]) == (1, {"replicas": 2})
    main = (await server.patch(DEPLOYMENT, {"spec": {"replicas": 4}, "status": {"replicas": 9}})).body
    assert (main["spec"]["replicas"], main["status"]) == (4, {"replicas": 2})


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(
            config_map("other"),
            400,
            "the name of the object (other) does not match the name on the URL (cm)",
            id="name",
        ),
        pytest.param({"metadata": {"name": "cm", "uid": "x"}}, 409, "Precondition failed: UID", id="uid"),
        pytest.param(
            {"metadata": {"name": "cm", "resourceVersion": "x"}},
            422,
            'metadata.resourceVersion: Invalid value: "x"',
            id="resourceVersion",
        ),
    ],
)
async def test_put_of_another_object(server: Server, body: object, code: int, message: str) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.put(CM, body)
    assert answer.status == code
    assert message in answer.body["message"]


async def test_put_of_nothing_is_not_found_or_creates(server: Server) -> None:
    missing = await server.put(CM, config_map())
    assert (missing.status, missing.body["message"]) == (404, 'configmaps "cm" not found')
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    made = await server.put(path, lease)
    assert made.status == 201
    unconditional = await server.put(path, lease)
    assert unconditional.status == 422
    assert unconditional.body["message"] == (
        'Lease.coordination.k8s.io "l" is invalid: '
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    )


@pytest.mark.parametrize(
    ("patch", "content_type", "containers"),
    [
        pytest.param(
            {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "new"}]}}}},
            MERGE,
            [("c", "new")],
            id="merge",
        ),
        pytest.param(
            {"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "new"}]}}}},
            STRATEGIC,
            [("x", "new"), ("c", "nginx")],
            id="strategic",
        ),
        pytest.param(
            [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "new"}],
            JSON_PATCH,
            [("c", "new")],
            id="json",
        ),
    ],
)
async def test_patches(server: Server, patch: object, content_type: str, containers: list[tuple[str, str]]) -> None:
    await server.post(DEPLOYMENTS, deployment())
    answer = await server.patch(DEPLOYMENT, patch, content_type)
    assert answer.status == 200
    found = [(c["name"], c["image"]) for c in answer.body["spec"]["template"]["spec"]["containers"]]
    assert sorted(found) == sorted(containers)


@pytest.mark.parametrize(
    ("patch", "content_type", "code", "message"),
    [
        pytest.param(
            {"metadata": {"resourceVersion": "1"}},
            MERGE,
            409,
            f'Operation cannot be fulfilled on configmaps "cm": {OVERTAKEN}',
            id="old version",
        ),
        pytest.param(
            [{"op": "test", "path": "/data/a", "value": "c"}],
            JSON_PATCH,
            422,
            "the server rejected our request due to an error in our request",
            id="failed test",
        ),
        pytest.param(
            {"metadata": {"name": "x"}},
            MERGE,
            400,
            "the name of the object (x) does not match the name on the URL (cm)",
            id="name",
        ),
        pytest.param(
            {"metadata": {"namespace": "x"}},
            MERGE,
            400,
            "the namespace of the object (x) does not match the namespace on the request (default)",
            id="namespace",
        ),
        pytest.param(
            {"metadata": None},
            MERGE,
            400,
            "the name of the object (cm based on URL) was undeterminable: name must be provided",
            id="no name",
        ),
        pytest.param(
            {},
            JSON_PATCH,
            400,
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch",
            id="an object of operations",
        ),
        pytest.param(
            {"data": {"$setElementOrder/x": 1}},
            STRATEGIC,
            400,
            "invalid patch format of setElementOrder list",
            id="an order that is none",
        ),
        pytest.param(
            {},
            "application/apply-patch+cbor",
            415,
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON_PATCH}, {MERGE}, {STRATEGIC}, application/apply-patch+yaml",
            id="CBOR",
        ),
        pytest.param(
            b"{x}",
            MERGE,
            400,
            "error decoding patch: invalid character 'x' looking for beginning of object key string",
            id="malformed",
        ),
    ],
)
async def test_patches_refused(server: Server, patch: object, content_type: str, code: int, message: str) -> None:
    await server.post(CONFIG_MAPS, config_map(a="b"))
    answer = await server.patch(CM, patch, content_type)
    assert (answer.status, answer.body["message"]) == (code, message)


async def test_patches_without_a_version_do_not_conflict(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answers = await asyncio.gather(*(server.patch(CM, {"data": {f"k{n}": "v"}}) for n in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert (await server.get(CM)).body["data"] == {f"k{n}": "v" for n in range(20)}


async def test_strict_patches_name_unknown_fields(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    warned = await server.patch(CM, {"foo": 1})
    assert (warned.status, warned.headers["warning"]) == (200, r'299 - "unknown field \"foo\""')
    strict = await server.patch(CM, {"foo": 1}, fieldValidation="Strict")
    assert strict.status == 422
    assert strict.body["message"].endswith('strict decoding error: unknown field "foo"')


async def test_a_dry_run_changes_nothing(server: Server) -> None:
    made = (await server.post(CONFIG_MAPS, config_map(a="b"))).body
    assert (await server.patch(CM, {"data": {"a": "c"}}, dryRun="All")).body["data"] == {"a": "c"}
    assert (await server.delete(CM, dryRun="All")).status == 200
    assert (await server.get(CM)).body == made


async def test_binding_gives_a_pod_its_node_once(server: Server) -> None:
    await server.post(PODS, pod())
    binding = {"metadata": {"name": "p", "annotations": {"by": "me"}}, "target": {"kind": "Node", "name": "n"}}
    bound = await server.post(f"{PODS}/p/binding", binding)
    assert (bound.status, bound.body["status"]) == (201, "Success")
    found = (await server.get(f"{PODS}/p")).body
    assert found["spec"]["nodeName"] == "n"
    assert found["metadata"]["annotations"] == {"by": "me"}
    assert found["metadata"]["generation"] == 1
    assert found["status"]["conditions"] == [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    ]
    again = await server.post("/api/v1/namespaces/default/bindings", binding)
    assert again.status == 409
    assert again.body["message"] == (
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"'
    )


async def test_scale(server: Server) -> None:
    made = (await server.post(DEPLOYMENTS, deployment(replicas=2))).body["metadata"]
    scale = (await server.get(f"{DEPLOYMENT}/scale")).body
    assert scale == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: made[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")},
        "spec": {"replicas": 2},
        "status": {"replicas": 0, "selector": "app=d"},
    }
    scaled = await server.put(f"{DEPLOYMENT}/scale", scale | {"spec": {"replicas": 0}})
    assert (scaled.status, scaled.body["spec"]) == (200, {})
    patched = await server.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}})
    assert patched.body["spec"] == {"replicas": 3}
    assert (await server.get(DEPLOYMENT)).body["spec"]["replicas"] == 3
    assert (await server.put(f"{DEPLOYMENT}/scale", scale)).status == 409
    negative = await server.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": -1}})
    assert negative.body["message"] == (
        'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    )


async def test_a_running_pod_gets_ephemeral_containers(server: Server) -> None:
    await server.post(PODS, pod())
    debugger = {"name": "debug", "image": "busybox", "targetContainerName": "c"}
    patch = {"spec": {"ephemeralContainers": [debugger], "nodeName": "ignored"}}
    answer = await server.patch(f"{PODS}/p/ephemeralcontainers", patch, STRATEGIC)
    assert answer.status == 200
    (found,) = answer.body["spec"]["ephemeralContainers"]
    assert found.items() >= debugger.items()
    assert "nodeName" not in answer.body["spec"]


async def test_a_running_pod_is_resized(server: Server) -> None:
    await server.post(PODS, pod(containers=[{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}]))
    patch = {"spec": {"containers": [{"name": "c", "image": "ignored", "resources": {"requests": {"cpu": "2"}}}]}}
    answer = await server.patch(f"{PODS}/p/resize", patch, STRATEGIC)
    assert answer.status == 200
    (container,) = answer.body["spec"]["containers"]
    assert (container["image"], container["resources"]) == ("x", {"requests": {"cpu": "2"}})


async def test_a_store_that_cannot_answer_is_an_unavailable_service(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(writes: object) -> int:
        raise UnavailableError("the disk is full")

    monkeypatch.setattr(server.store, "commit", full)
    answer = await server.post(CONFIG_MAPS, config_map())
    assert (answer.status, answer.body["reason"]) == (503, "ServiceUnavailable")
    assert answer.body["message"] == "the store cannot answer: the disk is full"


@pytest.mark.parametrize(
    ("subresource", "kind", "api_version"),
    [("binding", "Binding", "v1"), ("eviction", "Eviction", "policy/v1")],
)
async def test_what_is_asked_of_a_pod_is_about_the_one_at_the_address(
    server: Server, subresource: str, kind: str, api_version: str
) -> None:
    await server.post(PODS, pod())
    body: dict[str, Any] = {"kind": kind, "apiVersion": api_version, "target": {"name": "n"}}
    if kind == "Eviction":
        del body["target"]
    for metadata, why in {
        (): f"name in URL does not match name in {kind} object",
        (("name", "q"),): f"name in URL does not match name in {kind} object",
        (("name", "p"), ("namespace", "other")): "the namespace of the provided object does not match the namespace "
        "sent on the request",
    }.items():
        refused = await server.post(f"{PODS}/p/{subresource}", {**body, "metadata": dict(metadata)})
        assert (refused.status, refused.body["message"]) == (400, why)
    assert (await server.post(f"{PODS}/p/{subresource}", {**body, "metadata": {"name": "p"}})).status == 201
