"""Decoding: what becomes of the JSON that a client sends, and what it is told when it sends something else."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types import DecodeError, Type, type_of

DEPLOYMENT = type_of("io.k8s.api.apps.v1.Deployment")
POD = type_of("io.k8s.api.core.v1.Pod")
SECRET = type_of("io.k8s.api.core.v1.Secret")
LEASE = type_of("io.k8s.api.coordination.v1.Lease")
CRD = type_of("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition")


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", **fields}]}}


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        pytest.param(POD, {"metadata": {}}, {"metadata": {}, "spec": {}}, id="no spec"),
        pytest.param(
            POD, {"spec": {}, "metadata": {"creationTimestamp": None}}, {"metadata": {}, "spec": {}}, id="nulls"
        ),
        pytest.param(
            SECRET, {"metadata": {"labels": {"a": None}}}, {"metadata": {"labels": {"a": ""}}}, id="null in a map"
        ),
        pytest.param(POD, container(args=["a", None]), container(args=["a", ""]), id="null in a list"),
        pytest.param(
            POD,
            container(resources={"limits": {"cpu": None}}),
            container(resources={"limits": {"cpu": "0"}}),
            id="null for a quantity",
        ),
        pytest.param(POD, {"spec": {"containers": [None]}}, {"spec": {"containers": [{}]}}, id="null for an object"),
        pytest.param(
            POD,
            container(resources={"limits": {"cpu": "1000m", "memory": 1048576, "example.com/x": "100u"}}),
            container(resources={"limits": {"cpu": "1", "memory": "1048576", "example.com/x": "1m"}}),
            id="resource lists",
        ),
        pytest.param(
            POD,
            {"spec": {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}]}},
            {"spec": {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}]}},
            id="a quantity",
        ),
        pytest.param(
            SECRET,
            {"metadata": {"deletionTimestamp": "2026-01-02T03:04:05.6+01:00"}},
            {"metadata": {"deletionTimestamp": "2026-01-02T02:04:05Z"}},
            id="a time",
        ),
        pytest.param(
            LEASE,
            {"spec": {"renewTime": "2026-01-02T03:04:05.600000+01:00"}},
            {"spec": {"renewTime": "2026-01-02T02:04:05.600000Z"}},
            id="a micro time",
        ),
        pytest.param(
            POD,
            container(livenessProbe={"httpGet": {"port": 80}}, readinessProbe={"httpGet": {"port": "http"}}),
            container(livenessProbe={"httpGet": {"port": 80}}, readinessProbe={"httpGet": {"port": "http"}}),
            id="int or string",
        ),
        pytest.param(SECRET, {"data": {"a": "YW\nJj"}}, {"data": {"a": "YWJj"}}, id="bytes in lines"),
        pytest.param(
            SECRET,
            {"metadata": {"managedFields": [{"fieldsV1": {"f:x": {"anything": None}}}]}},
            {"metadata": {"managedFields": [{"fieldsV1": {"f:x": {"anything": None}}}]}},
            id="opaque",
        ),
    ],
)
def test_what_is_kept(kind: Type, sent: dict[str, Any], kept: dict[str, Any]) -> None:
    assert kind.decode(sent) == []
    assert sent == kept


def test_unknown_fields_are_removed_and_named() -> None:
    tree = {
        "spec": {
            "replica": 3,
            "template": {
                "metadata": {"labels": {"free": "text"}},
                "spec": {"containers": [{"imagee": "a"}, {"x": {"y": 1}}]},
            },
        },
        "bogus": None,
        "extra": [1],
    }
    assert DEPLOYMENT.decode(tree) == [
        "spec.replica",
        "spec.template.spec.containers[0].imagee",
        "spec.template.spec.containers[1].x",
        "extra",
    ]
    template = {"metadata": {"labels": {"free": "text"}}, "spec": {"containers": [{}, {}]}}
    assert tree == {"spec": {"template": template}}


FIELD = "json: cannot unmarshal {} into Go struct field {} of type {}"
VALUE = "json: cannot unmarshal {} into Go value of type {}"


@pytest.mark.parametrize(
    ("kind", "tree", "message"),
    [
        (DEPLOYMENT, {"spec": {"replicas": "3"}}, FIELD.format("string", "DeploymentSpec.spec.replicas", "int32")),
        (DEPLOYMENT, {"spec": {"replicas": True}}, FIELD.format("bool", "DeploymentSpec.spec.replicas", "int32")),
        (DEPLOYMENT, {"spec": {"replicas": 1.5}}, FIELD.format("number 1.5", "DeploymentSpec.spec.replicas", "int32")),
        (
            DEPLOYMENT,
            {"spec": {"replicas": 2**31}},
            FIELD.format("number 2147483648", "DeploymentSpec.spec.replicas", "int32"),
        ),
        (DEPLOYMENT, {"spec": {"paused": "no"}}, FIELD.format("string", "DeploymentSpec.spec.paused", "bool")),
        (DEPLOYMENT, {"spec": []}, FIELD.format("array", "Deployment.spec", "v1.DeploymentSpec")),
        (POD, container(name=1), FIELD.format("number", "Container.spec.containers.name", "string")),
        (POD, container(env=[{"value": 1}]), FIELD.format("number", "EnvVar.spec.containers.env.value", "string")),
        (POD, {"spec": {"containers": {}}}, FIELD.format("object", "PodSpec.spec.containers", "[]v1.Container")),
        (POD, container(args=[1]), FIELD.format("number", "Container.spec.containers.args", "string")),
        (POD, {"metadata": {"labels": {"a": 1}}}, FIELD.format("number", "ObjectMeta.metadata.labels", "string")),
        (POD, {"metadata": {"labels": []}}, FIELD.format("array", "ObjectMeta.metadata.labels", "map[string]string")),
        (POD, {"metadata": "x"}, FIELD.format("string", "Pod.metadata", "v1.ObjectMeta")),
        (POD, {"kind": 1}, FIELD.format("number", "Pod.kind", "string")),
        (POD, [], VALUE.format("array", "v1.Pod")),
        (POD, {"metadata": {"deletionTimestamp": 1}}, VALUE.format("number", "string")),
        (POD, container(livenessProbe={"httpGet": {"port": {}}}), VALUE.format("object", "int32")),
        (
            CRD,
            {"spec": {"versions": [{"schema": {"openAPIV3Schema": {"properties": {"a": {"type": 1}}}}}]}},
            FIELD.format("number", "JSONSchemaProps.spec.versions.schema.openAPIV3Schema.properties.type", "string"),
        ),
        (
            POD,
            container(resources={"limits": {"cpu": "a lot"}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            POD,
            {"metadata": {"creationTimestamp": "soon"}},
            'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
        ),
        (SECRET, {"data": {"a": "YWJjZA"}}, "illegal base64 data at input byte 4"),
        (SECRET, {"data": {"a": "YW*j"}}, "illegal base64 data at input byte 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_wrong_type(kind: Type, tree: Any, message: str) -> None:
    with pytest.raises(DecodeError) as failure:
        kind.decode(tree)
    assert str(failure.value) == message


@pytest.mark.parametrize(
    ("definition", "sent", "kept"),
    [
        pytest.param("core.v1.ConfigMap", {"data": {}, "binaryData": {}}, {}, id="empty maps"),
        pytest.param("core.v1.ConfigMap", {"data": {"a": ""}}, {"data": {"a": ""}}, id="values of a map"),
        pytest.param("core.v1.ConfigMap", {"immutable": False}, {"immutable": False}, id="a pointer to no"),
        pytest.param(
            "core.v1.PodSpec",
            {"containers": [], "nodeName": "", "hostNetwork": False, "tolerations": [], "nodeSelector": {}},
            {"containers": []},
            id="a list that must be there",
        ),
        pytest.param("core.v1.PodSpec", {"securityContext": {}}, {"securityContext": {}}, id="an empty struct"),
        pytest.param("core.v1.PodSpec", {"priority": 0}, {"priority": 0}, id="a pointer to zero"),
        pytest.param(
            "core.v1.PersistentVolumeClaimSpec", {"storageClassName": ""}, {"storageClassName": ""}, id="no class"
        ),
        pytest.param(
            "core.v1.Volume", {"name": "a", "emptyDir": {"medium": ""}}, {"name": "a", "emptyDir": {}}, id="in"
        ),
        pytest.param("rbac.v1.Role", {"rules": []}, {"rules": []}, id="a list that is written all the same"),
        pytest.param("core.v1.Probe", {"periodSeconds": 0}, {}, id="zero"),
        pytest.param(
            "policy.v1.PodDisruptionBudgetStatus",
            {"disruptionsAllowed": 0, "observedGeneration": 0},
            {"disruptionsAllowed": 0},
            id="a zero that is written all the same",
        ),
    ],
)
def test_what_says_nothing_is_left_out(definition: str, sent: dict[str, object], kept: dict[str, object]) -> None:
    assert type_of(f"io.k8s.api.{definition}").decode(sent) == []
    assert sent == kept
