from __future__ import annotations

import struct
from typing import Any

import pytest

from knarr.api.protobuf import ProtobufError, decode, encode

POD, DEPLOYMENT = "io.k8s.api.core.v1.Pod", "io.k8s.api.apps.v1.Deployment"


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: tuple[int, int | float | str | bytes]) -> bytes:
    """The wire form of numbered values."""
    return b"".join(map(_field, fields))


def _field(field: tuple[int, int | float | str | bytes]) -> bytes:
    number, value = field
    match value:
        case int():
            return varint(number << 3) + varint(value)
        case float():
            return varint(number << 3 | 1) + struct.pack("<d", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(raw: bytes, kind: str = "Pod", version: str = "v1") -> bytes:
    return b"k8s\0" + message((1, message((1, version), (2, kind))), (2, raw), (3, ""), (4, ""))


def pod(spec: bytes = b"", metadata: bytes = b"") -> dict[str, Any]:
    """What a Pod of these messages decodes to."""
    return decode(body(message((1, metadata), (2, spec), (3, b""))), POD)


def test_the_envelope_names_the_kind() -> None:
    assert pod() == {"kind": "Pod", "apiVersion": "v1"}


def test_what_is_empty_is_left_out_unless_it_is_a_pointer() -> None:
    assert pod(message((3, "Always"), (10, ""), (4, 0), (11, 0), (31, "")))["spec"] == {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 0,
        "preemptionPolicy": "",
    }


def test_metadata() -> None:
    metadata = message(
        (1, "p"),
        (8, message((1, 1_767_225_600), (2, 0))),
        (9, b""),
        (11, message((1, "a"), (2, "b"))),
        (11, message((1, "c"))),
        (14, "x"),
        (14, "y"),
    )
    assert pod(metadata=metadata)["metadata"] == {
        "name": "p",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"a": "b", "c": ""},
        "finalizers": ["x", "y"],
    }


def test_inlined_messages_quantities_and_ports() -> None:
    volume = message((1, "data"), (2, message((2, b""))))  # emptyDir of VolumeSource
    limits = message((1, message((1, "cpu"), (2, message((1, "500m"))))))
    probe = message((1, message((2, message((1, "/"), (2, message((1, 0), (2, 80), (3, ""))))))), (3, 5))
    container = message((1, "c"), (8, limits), (10, probe))
    assert pod(message((1, volume), (2, container)))["spec"] == {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "containers": [
            {
                "name": "c",
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": 80}, "timeoutSeconds": 5},
            }
        ],
    }


def test_negative_numbers_and_text_in_int_or_string() -> None:
    strategy = message((2, message((1, message((1, 1), (2, 0), (3, "25%"))))))
    raw = message((2, message((1, -1), (4, strategy))))
    assert decode(body(raw, "Deployment", "apps/v1"), DEPLOYMENT)["spec"] == {
        "replicas": -1,
        "strategy": {"rollingUpdate": {"maxUnavailable": "25%"}},
    }


def test_bytes_are_base64() -> None:
    raw = message((2, message((1, "key"), (2, b"\x00\xff"))))
    tree = decode(body(raw, "Secret"), "io.k8s.api.core.v1.Secret")
    assert tree["data"] == {"key": "AP8="}


def test_fields_that_nobody_knows_are_skipped() -> None:
    assert pod(message((4000, "x"), (3, "Never")))["spec"] == {"restartPolicy": "Never"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"kind":"Pod"}', id="JSON"),
        pytest.param(b"k8s\0\x0a\xff", id="ends early"),
        pytest.param(body(b"\x0a\x05ab"), id="ends early inside"),
        pytest.param(body(b"\x0b"), id="a group"),
        pytest.param(body(b"\xff" * 12), id="endless number"),
        pytest.param(body(message((2, message((3, b"\xff"))))), id="invalid UTF-8"),
        pytest.param(body(message((1, 7))), id="a number for a message"),
        pytest.param(body(message((1, message((8, message((1, 1 << 60))))))), id="a time without a date"),
    ],
)
def test_what_is_no_protobuf_is_refused(data: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(data, POD)


ROUND_TRIPS = {
    "Deployment": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"a": "b", "c": ""}, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}, "type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "image": "nginx",
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
                            "readinessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1},
                            "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                        }
                    ],
                    "volumes": [{"name": "v", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/x", "type": ""}}],
                    "terminationGracePeriodSeconds": 0,
                },
            },
        },
    },
    "Secret": {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"k": "AP8="},
        "type": "Opaque",
    },
    "PodList": {
        "apiVersion": "v1",
        "kind": "PodList",
        "metadata": {"resourceVersion": "7"},
        "items": [{"metadata": {"name": "a"}, "status": {"phase": "Running"}}, {"metadata": {"name": "b"}}],
    },
    "Lease": {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l"},
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 40, "renewTime": "2026-01-01T00:00:00.000001Z"},
    },
    "Status": {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"},
    "ControllerRevision": {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "r", "managedFields": [{"manager": "m", "fieldsV1": {"f:data": {}}}]},
        "data": {"spec": {"any": ["thing", 1, None]}},
        "revision": -1,
    },
}


@pytest.mark.parametrize("tree", ROUND_TRIPS.values(), ids=ROUND_TRIPS)
def test_what_is_written_is_read_again(tree: dict[str, Any]) -> None:
    assert decode(encode(tree)) == tree


def test_the_encoding_is_the_expected_one() -> None:
    tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"restartPolicy": "Never"}}
    assert encode(tree) == body(message((1, message((1, "p"))), (2, message((3, "Never")))))


def test_an_unknown_kind_has_no_protobuf_form() -> None:
    with pytest.raises(ProtobufError, match='no kind "Foo" is registered'):
        encode({"apiVersion": "example.com/v1", "kind": "Foo"})


def test_a_schema_or_something_else() -> None:
    """The two unions of apiextensions, by hand: a schema's `type` is field 5."""
    definition = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
    properties = {
        "list": {"type": "array", "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {"type": "object", "additionalProperties": True},
    }
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "A", "plural": "as"}
    spec = {"group": "a.b", "scope": "Cluster", "names": names, "versions": [version]}
    tree = {"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1", "metadata": {}, "spec": spec}
    data = encode(tree)
    text = b"\x2a\x06string"
    assert b"\x0a\x08" + text in data  # JSONSchemaPropsOrArray: schema = 1
    assert b"\x08\x01\x12\x08" + text in data  # JSONSchemaPropsOrBool: allows = 1, schema = 2
    back = decode(data, definition)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert back["properties"] == properties


def test_a_list_of_a_type_of_its_own_is_a_message() -> None:
    resource = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"]}
    tree = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": [resource]}
    data = encode(tree)
    assert message((4, message((1, "get"), (1, "list")))) in data
    assert decode(data) == tree
