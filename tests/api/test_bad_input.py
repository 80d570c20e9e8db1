"""What a server answers to bad bodies: code, reason and message as users know them; and nothing is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.refusals import REASONS, Sender, config_map

LIMIT = 3 * 1024 * 1024  # bytes of a body


@pytest.mark.parametrize(
    ("body", "content_type", "code", "message"),
    [
        (
            b'{"kind": "ConfigMap"',
            "",
            400,
            "couldn't get version/kind; json parse error: unexpected end of JSON input",
        ),
        (b'{"kind": "ConfigMap",}', "", 400, "looking for beginning of object key string"),
        (b"[]", "", 400, "cannot unmarshal array into Go value of type struct"),
        (b"", "", 400, "unexpected end of JSON input"),
        (b"\xff\xfe", "", 400, "the object provided is unrecognized (must be of type ConfigMap)"),
        (b"a: [b\nc: d", "application/yaml", 400, "error converting YAML to JSON: yaml: line 2: "),
        (b"- a", "application/yaml", 400, "cannot unmarshal array"),
        (
            b"k8s\0garbage",
            "application/vnd.kubernetes.protobuf",
            400,
            "the object provided is unrecognized",
        ),
        (
            b"<a/>",
            "text/xml",
            415,
            "the body of the request was in an unknown format - accepted media types include: application/json, ",
        ),
        (
            {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "m"}},
            "",
            400,
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (Secret) to (ConfigMap): unknown '
            "conversion",
        ),
        (
            {"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "m"}},
            "",
            400,
            "the API version in the data (v2) does not match the expected API version (v1)",
        ),
        ({"kind": 1, "apiVersion": "v1"}, "", 400, "couldn't get version/kind"),
        (
            config_map(data={"a": 1}),
            "",
            400,
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct '
            "field ConfigMap.data of type string",
        ),
        (
            config_map(metadata="m"),
            "",
            400,
            "json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
        ),
        (
            config_map(metadata={"name": "m", "namespace": "elsewhere"}),
            "",
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            config_map(metadata={"name": "m", "resourceVersion": "5"}),
            "",
            400,
            "resourceVersion should not be set on objects to be created",
        ),
    ],
    ids=[
        *("cut short", "trailing comma", "list", "empty", "binary", "bad yaml", "yaml list", "bad protobuf", "xml"),
        *("other kind", "other version", "kind is a number", "number for text", "text for metadata"),
        *("other namespace", "version on create"),
    ],
)
def test_bodies(sender: Sender, body: Any, content_type: str, code: int, message: str) -> None:
    found = sender.refused("POST", sender.path("configmaps"), body, content_type).failure
    assert found[:2] == (code, REASONS[code]) and message in found[2], found


def test_large_bodies(sender: Sender) -> None:
    empty = len(json.dumps(config_map(data={"a": ""})))
    almost = config_map(data={"a": "x" * (LIMIT - empty)})
    reply = sender.refused("POST", sender.path("configmaps"), almost)
    assert reply.failure[:2] == (422, "Invalid")
    assert reply.causes == [("FieldValueTooLong", "", "Too long: may not be more than 1048576 bytes")]
    above = config_map(data={"a": "x" * (LIMIT + 1 - empty)})
    reply = sender.refused("POST", sender.path("configmaps"), above)
    assert reply.failure == (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")


DOUBLED = b'{"metadata": {"name": "m", "name": "m"}, "data": {"a": "1"}, "nonsense": 1}'
DOUBLED_YAML = b"metadata:\n  name: m\n  name: m\nnonsense: 1\ndata: {a: '1'}\n"


@pytest.mark.parametrize(
    ("content_type", "body", "problems", "error"),
    [
        (
            "application/json",
            DOUBLED,
            ['duplicate field "metadata.name"', 'unknown field "nonsense"'],
            'duplicate field "metadata.name", unknown field "nonsense"',
        ),
        (
            "application/yaml",
            DOUBLED_YAML,
            ['line 3: key "name" already set in map', 'unknown field "nonsense"'],
            'yaml: unmarshal errors:\n  line 3: key "name" already set in map, unknown field "nonsense"',
        ),
    ],
    ids=["json", "yaml"],
)
def test_fields_that_are_unknown_or_doubled(
    sender: Sender, content_type: str, body: bytes, problems: list[str], error: str
) -> None:
    strict, dry = sender.path("configmaps") + "?fieldValidation=Strict", sender.path("configmaps") + "?dryRun=All"
    wanted = f'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: {error}'
    assert sender.refused("POST", strict, body, content_type).failure == (400, "BadRequest", wanted)
    warned = sender.server.send("POST", dry, body, content_type)
    said = [value for name, value in warned.headers.items() if name.lower() == "warning"]
    assert warned.status == 201
    assert all(json.dumps(problem) in ", ".join(said) for problem in problems[-1:])
    ignored = sender.server.send("POST", dry + "&fieldValidation=Ignore", body, content_type)
    assert (ignored.status, "Warning" in ignored.headers) == (201, False)
    refused = sender.refused("POST", dry + "&fieldValidation=Sometimes", body, content_type)
    assert refused.failure[:2] == (422, "Invalid")
    assert 'supported values: "Ignore", "Strict", "Warn"' in refused.failure[2]
