from __future__ import annotations

import pytest

from knarr.apiserver.registry import Options
from tests.api.harness import Server
from tests.api.objects import CONFIG_MAPS, DEPLOYMENTS, config_map, deployment

YAML = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: cm}\ndata: {a: 'yes'}\n"
UNKNOWN = b'{"kind":"ConfigMap","metadata":{"name":"cm","name":"cm"},"foo":1,"data":{}}'
PROBLEMS = ['duplicate field "metadata.name"', 'unknown field "foo"']


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b'{"a":', "unexpected end of JSON input", id="ends early"),
        pytest.param(b'{"a" 1}', "invalid character '1' after object key", id="no colon"),
        pytest.param(b"{a: 1}", "invalid character 'a' looking for beginning of object key string", id="bare key"),
        pytest.param(b'{"a":x}', "invalid character 'x' looking for beginning of value", id="bare value"),
        pytest.param(b'{"a":1 "b"}', "invalid character '\"' after object key:value pair", id="no comma"),
        pytest.param(b'{"a":[1 2]}', "invalid character '2' after array element", id="no comma in a list"),
        pytest.param(b"{} {}", "invalid character '{' after top-level value", id="two documents"),
    ],
)
async def test_malformed_json(server: Server, body: bytes, message: str) -> None:
    answer = await server.request("POST", CONFIG_MAPS, body)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"] == (
        "the object provided is unrecognized (must be of type ConfigMap): "
        f"couldn't get version/kind; json parse error: {message} ({body.decode()})"
    )


async def test_a_wrong_type_names_the_field(server: Server) -> None:
    answer = await server.post(DEPLOYMENTS, deployment(replicas="three"))
    assert answer.status == 400
    assert answer.body["message"].startswith('Deployment in version "v1" cannot be handled as a Deployment: json: ')
    assert "spec.replicas" in answer.body["message"]


async def test_yaml_goes_in_and_out(server: Server) -> None:
    made = await server.request("POST", CONFIG_MAPS, YAML, content_type="application/yaml", accept="application/yaml")
    assert made.status == 201
    assert made.headers["content-type"] == "application/yaml"
    assert b'data:\n  a: "yes"\n' in made.raw
    assert (await server.get(f"{CONFIG_MAPS}/cm")).body["data"] == {"a": "yes"}


async def test_unknown_fields_warn_by_default(server: Server) -> None:
    answer = await server.request("POST", CONFIG_MAPS, UNKNOWN)
    assert answer.status == 201
    assert answer.headers["warning"] == (r'299 - "duplicate field \"metadata.name\"", 299 - "unknown field \"foo\""')
    assert "foo" not in answer.body


async def test_unknown_fields_fail_when_strict(server: Server) -> None:
    answer = await server.request("POST", CONFIG_MAPS, UNKNOWN, fieldValidation="Strict")
    assert answer.status == 400
    assert answer.body["message"] == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' + ", ".join(PROBLEMS)
    )


async def test_unknown_fields_pass_when_ignored(server: Server) -> None:
    answer = await server.request("POST", CONFIG_MAPS, UNKNOWN, fieldValidation="Ignore")
    assert (answer.status, answer.headers.get("warning")) == (201, None)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            {"fieldValidation": "Some"},
            'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Some": '
            'supported values: "Ignore", "Strict", "Warn"',
            id="fieldValidation",
        ),
        pytest.param(
            {"dryRun": "yes"},
            'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "yes": supported values: "All"',
            id="dryRun",
        ),
    ],
)
async def test_unknown_options(server: Server, query: dict[str, str], message: str) -> None:
    answer = await server.request("POST", CONFIG_MAPS, UNKNOWN, **query)
    assert (answer.status, answer.body["message"]) == (422, message)


async def test_unknown_media_types(server: Server) -> None:
    sent = await server.post(CONFIG_MAPS, config_map(), content_type="text/csv")
    assert (sent.status, sent.body["reason"]) == (415, "UnsupportedMediaType")
    assert sent.body["message"] == (
        "the body of the request was in an unknown format - "
        "accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )
    wanted = await server.get(CONFIG_MAPS, accept="application/cbor")
    assert (wanted.status, wanted.body["reason"]) == (406, "NotAcceptable")
    assert wanted.body["message"] == (
        "only the following media types are accepted: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


async def test_an_oversized_body(server: Server) -> None:
    body = b'{"metadata":{"name":"big"},"data":{"a":"%b"}}' % (b"x" * Options().body_limit)
    answer = await server.request("POST", CONFIG_MAPS, body)
    assert (answer.status, answer.body["reason"]) == (413, "RequestEntityTooLarge")
    assert answer.body["message"] == "Request entity too large: limit is 3145728"
