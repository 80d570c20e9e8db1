"""Changes that a server refuses: conflicts, other names, fields that stay, patches that do not apply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.processes import ServerProcess
from tests.api.refusals import JSON, REASONS, Sender, config_map, deployment, pod, service

JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
TOO_MANY = "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
DOUBLING = [{"op": "copy", "from": "/data", "path": f"/data/{name}"} for name in "xy"]


def created(sender: Sender, resource: str, body: JSON, group: str = "") -> JSON:
    reply = sender.server.send("POST", sender.path(resource, group), body)
    assert reply.status == 201, reply.body
    found: JSON = reply.json
    return found


@pytest.mark.parametrize(
    ("metadata", "code", "message"),
    [
        ({"name": "n"}, 400, "the name of the object (n) does not match the name on the URL (m)"),
        ({}, 400, "name must be provided"),
        (
            {"name": "m", "namespace": "elsewhere"},
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            {"name": "m", "resourceVersion": "1"},
            409,
            'Operation cannot be fulfilled on configmaps "m": the object has been modified; please apply your changes '
            "to the latest version and try again",
        ),
        ({"name": "m", "resourceVersion": "one"}, 422, 'metadata.resourceVersion: Invalid value: "one"'),
        ({"name": "m", "uid": "another"}, 409, "Precondition failed: UID in precondition: another"),
    ],
    ids=["other name", "no name", "other namespace", "old version", "no version", "other uid"],
)
def test_identities(sender: Sender, metadata: JSON, code: int, message: str) -> None:
    created(sender, "configmaps", config_map())
    reply = sender.refused("PUT", sender.path("configmaps/m"), config_map(metadata=metadata, data={"a": "b"}))
    assert reply.failure[:2] == (code, REASONS[code]) and message in reply.failure[2]


def test_what_is_not_there_is_not_updated(sender: Sender) -> None:
    for method, content_type in (("PUT", ""), ("PATCH", MERGE_PATCH)):
        reply = sender.refused(method, sender.path("configmaps/m"), config_map(), content_type)
        assert reply.failure == (404, "NotFound", 'configmaps "m" not found')


def test_what_is_there_is_not_created(sender: Sender) -> None:
    created(sender, "configmaps", config_map())
    reply = sender.refused("POST", sender.path("configmaps"), config_map(data={"a": "b"}))
    assert reply.failure == (409, "AlreadyExists", 'configmaps "m" already exists')


@pytest.mark.parametrize(
    ("resource", "group", "body", "patch", "causes"),
    [
        (
            "deployments/d",
            "apps/v1",
            deployment(replicas=0),
            {"spec": {"selector": {"matchLabels": {"x": "y"}}, "template": {"metadata": {"labels": {"x": "y"}}}}},
            [("spec.selector", "field is immutable")],
        ),
        (
            "configmaps/m",
            "",
            config_map(immutable=True, data={"a": "b"}),
            {"data": {"a": "c"}},
            [("data", "Forbidden: field is immutable when `immutable` is set")],
        ),
        (
            "pods/p",
            "",
            pod(nodeSelector={"no": "where"}),
            {"spec": {"hostNetwork": True}},
            [("spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`")],
        ),
        (
            "services/s",
            "",
            service(),
            {"spec": {"clusterIP": "10.96.0.77"}},
            [("spec.clusterIPs[0]", "may not change")],
        ),
        (
            "configmaps/m",
            "",
            config_map(),
            {"metadata": {"labels": {"a b": "c"}}},
            [("metadata.labels", 'Invalid value: "a b": name part must consist of alphanumeric characters')],
        ),
    ],
    ids=["selector", "immutable", "pod", "cluster ip", "label"],
)
def test_fields_that_stay(
    sender: Sender, resource: str, group: str, body: JSON, patch: JSON, causes: list[tuple[str, str]]
) -> None:
    created(sender, resource.partition("/")[0], body, group)
    reply = sender.refused("PATCH", sender.path(resource, group), patch, MERGE_PATCH)
    assert reply.failure[:2] == (422, "Invalid")
    assert len(reply.causes) == len(causes), reply.causes
    for (_, field, message), (expected_field, expected) in zip(reply.causes, causes, strict=True):
        assert field == expected_field and expected in message


@pytest.mark.parametrize("resource", ["pods/p", "services/s", "deployments/d"])
def test_a_put_without_a_spec(sender: Sender, resource: str) -> None:
    plural, _, name = resource.partition("/")
    group = "apps/v1" if plural == "deployments" else ""
    body = {"pods": pod(nodeSelector={"no": "where"}), "services": service(), "deployments": deployment(replicas=0)}
    created(sender, plural, body[plural], group)
    reply = sender.refused("PUT", sender.path(resource, group), {"metadata": {"name": name}})
    assert reply.failure[:2] == (422, "Invalid") and "Required value" in reply.failure[2]


@pytest.mark.parametrize(
    ("content_type", "patch", "code", "message"),
    [
        ("application/json", {"data": {}}, 415, "the body of the request was in an unknown format"),
        (MERGE_PATCH, b'{"data"', 400, "unexpected end of JSON input"),
        (MERGE_PATCH, [], 400, "cannot unmarshal array into Go value of type map[string]interface {}"),
        (MERGE_PATCH, {"data": {"a": 1}}, 400, "cannot unmarshal number into Go struct field ConfigMap.data"),
        (MERGE_PATCH, {"metadata": None}, 400, "name must be provided"),
        (MERGE_PATCH, {"kind": "Secret"}, 400, "Secret"),
        (MERGE_PATCH, {"metadata": {"name": "n"}}, 400, "does not match the name on the URL"),
        (MERGE_PATCH, {"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified"),
        (JSON_PATCH, {"op": "add"}, 400, "cannot unmarshal object into Go value of type jsonpatch.Patch"),
        (JSON_PATCH, [{"op": "grow", "path": "/data"}], 422, "the server rejected our request due to an error"),
        (JSON_PATCH, [{"op": "remove", "path": "/data/none"}], 422, "the server rejected our request due to an error"),
        (
            JSON_PATCH,
            [{"op": "test", "path": "/data", "value": 1}],
            422,
            "the server rejected our request due to an error",
        ),
        (
            JSON_PATCH,
            DOUBLING * 20,
            422,
            "the server rejected our request due to",
        ),
        (
            JSON_PATCH,
            [{}] * 10_001,
            413,
            TOO_MANY,
        ),
        (JSON_PATCH, ["x"], 422, "the server rejected our request due to an error"),
        (JSON_PATCH, [{"op": "remove", "path": "/metadata"}], 400, "name must be provided"),
        (STRATEGIC, {"$patch": "explode"}, 422, ""),
        (STRATEGIC, {"data": "text"}, 400, "cannot unmarshal string"),
    ],
    ids=[
        *("content type", "cut short", "list", "wrong type", "no metadata", "other kind", "other name", "old version"),
        *(
            "no list",
            "unknown operation",
            "nothing to remove",
            "failed test",
            "doubling",
            "too many",
            "no operation",
            "removed metadata",
        ),
        *("directive", "text for map"),
    ],
)
def test_patches(sender: Sender, content_type: str, patch: Any, code: int, message: str) -> None:
    created(sender, "configmaps", config_map(data={"a": "b"}))
    found = sender.refused("PATCH", sender.path("configmaps/m"), patch, content_type).failure
    assert found[:2] == (code, REASONS[code]) and message in found[2], found


def test_strict_patches(sender: Sender) -> None:
    created(sender, "configmaps", config_map())
    path = sender.path("configmaps/m") + "?fieldValidation=Strict"
    found = sender.refused("PATCH", path, {"nonsense": 1}, MERGE_PATCH).failure
    assert found[:2] == (422, "Invalid") and 'strict decoding error: unknown field "nonsense"' in found[2]


def test_scales(sender: Sender) -> None:
    created(sender, "deployments", deployment(replicas=0), "apps/v1")
    path = sender.path("deployments/d/scale", "apps/v1")
    found = sender.refused("PATCH", path, {"spec": {"replicas": -1}}, MERGE_PATCH)
    assert found.causes == [
        ("FieldValueInvalid", "spec.replicas", "Invalid value: -1: must be greater than or equal to 0")
    ]


def test_terminating_namespaces(process: ServerProcess, namespace: str) -> None:
    held = config_map(metadata={"name": "m", "finalizers": ["example.com/hold"]})
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert process.send("POST", path, held).status == 201
    assert process.send("DELETE", f"/api/v1/namespaces/{namespace}").status == 200
    try:
        reply = process.send("POST", path, config_map(metadata={"name": "late"}))
        assert reply.failure == (
            403,
            "Forbidden",
            f'configmaps "late" is forbidden: unable to create new content in namespace {namespace} because it is '
            "being terminated",
        )
        assert reply.causes == [
            ("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
        ]
    finally:
        process.send("PATCH", f"{path}/m", {"metadata": {"finalizers": None}}, MERGE_PATCH)


def test_a_namespace_that_is_not_there(sender: Sender) -> None:
    reply = sender.refused("POST", "/api/v1/namespaces/nowhere/configmaps", config_map())
    assert reply.failure == (404, "NotFound", 'namespaces "nowhere" not found')


def test_a_service_account_that_is_not_there(sender: Sender) -> None:
    reply = sender.refused("POST", sender.path("pods"), pod(serviceAccountName="nobody"))
    wanted = f'pods "p" is forbidden: error looking up service account {sender.namespace}/nobody: '
    assert reply.failure == (403, "Forbidden", f'{wanted}serviceaccount "nobody" not found')
