"""AuthorizationConfiguration files: what they mean, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from knarr.apiserver.authz.configuration import Configured, Webhook, by_modes, decoded, read_configuration
from knarr.apiserver.configfiles import ConfigFileError

JSON = dict[str, Any]
RBAC = {"type": "RBAC", "name": "rbac"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text("{}")
    return file


def text(*authorizers: JSON, **more: Any) -> bytes:
    tree = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    return yaml.safe_dump({**tree, "authorizers": list(authorizers), **more}).encode()


def webhook(file: Path, **fields: Any) -> JSON:
    given = {
        "timeout": "3s",
        "subjectAccessReviewVersion": "v1",
        "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(file)},
        **fields,
    }
    return {"type": "Webhook", "name": "w", "webhook": {name: v for name, v in given.items() if v is not None}}


def problem(text: bytes) -> str:
    with pytest.raises(ConfigFileError) as caught:
        decoded(text)
    return str(caught.value)


def test_modes_are_named_as_upstream_names_them() -> None:
    asked = Webhook(Path("/w"))
    assert by_modes(("Node", "RBAC", "Webhook"), webhook=asked).authorizers == (
        Configured("Node", "node"),
        Configured("RBAC", "rbac"),
        Configured("Webhook", "default", asked),
    )


def test_a_webhook_in_full(file: Path) -> None:
    given = webhook(
        file,
        authorizedTTL="1m",
        unauthorizedTTL="1m30s",
        cacheUnauthorizedRequests=False,
        matchConditionSubjectAccessReviewVersion="v1",
        matchConditions=[{"expression": "has(request.resourceAttributes)"}],
    )
    found, rbac = decoded(text(given, RBAC))
    assert rbac == Configured("RBAC", "rbac")
    conditions = ("has(request.resourceAttributes)",)
    assert found.webhook == Webhook(file, "v1", 3, True, 60, 0, conditions)


def test_what_is_not_said_is_upstreams_default(file: Path) -> None:
    (found,) = decoded(text(webhook(file, failurePolicy="NoOpinion")))
    assert found.webhook == Webhook(file, "v1", 3, False, 300, 30)


@pytest.mark.parametrize(
    ("authorizers", "message"),
    [
        pytest.param([], "authorizers: Required value: at least one authorization mode must be defined", id="nobody"),
        pytest.param([{"name": "x"}], "authorizers[0].type: Required value", id="no type"),
        pytest.param(
            [{"type": "X", "name": "x"}],
            'authorizers[0].type: Unsupported value: "X": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", '
            '"Node", "RBAC", "Webhook"',
            id="unknown type",
        ),
        pytest.param([RBAC, RBAC], 'authorizers[1].type: Duplicate value: "RBAC"', id="twice"),
        pytest.param([{"type": "RBAC"}], "authorizers[0].name: Required value", id="no name"),
        pytest.param(
            [{"type": "RBAC", "name": "mine"}],
            "expected name rbac for authorizer RBAC instead of mine",
            id="a name of one's own",
        ),
        pytest.param(
            [{"type": "Webhook", "name": "w"}],
            "authorizers[0].webhook: Required value: required when type=Webhook",
            id="no webhook",
        ),
        pytest.param(
            [{**RBAC, "webhook": {}}],
            'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
            id="a webhook of others",
        ),
        pytest.param(
            [{**RBAC, "extra": 1}],
            "failed to load AuthorizationConfiguration from file: failed decoding: strict decoding error: "
            'unknown field "authorizers[0].extra"',
            id="a field that there is none of",
        ),
    ],
)
def test_what_is_wrong_with_authorizers(authorizers: list[JSON], message: str) -> None:
    assert problem(text(*authorizers)) == message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"timeout": None}, ".timeout: Required value", id="no timeout"),
        pytest.param({"timeout": "31s"}, '.timeout: Invalid value: "31s": must be > 0s and <= 30s', id="too long"),
        pytest.param({"authorizedTTL": "-1s"}, '.authorizedTTL: Invalid value: "-1s": must be > 0s', id="negative"),
        pytest.param(
            {"unauthorizedTTL": "x"}, '.unauthorizedTTL: Invalid value: "x": time: invalid duration "x"', id="no time"
        ),
        pytest.param(
            {"subjectAccessReviewVersion": "v2"},
            '.subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
            id="version",
        ),
        pytest.param({"failurePolicy": None}, ".failurePolicy: Required value", id="no policy"),
        pytest.param(
            {"failurePolicy": "Allow"},
            '.failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
            id="policy",
        ),
        pytest.param({"connectionInfo": {}}, ".connectionInfo.type: Required value", id="no connection"),
        pytest.param(
            {"connectionInfo": {"type": "KubeConfigFile"}},
            ".connectionInfo.kubeConfigFile: Required value",
            id="no file",
        ),
        pytest.param(
            {"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "a"}},
            '.connectionInfo.kubeConfigFile: Invalid value: "a": must be an absolute path',
            id="relative",
        ),
        pytest.param(
            {"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "/nowhere/at/all"}},
            '.connectionInfo.kubeConfigFile: Invalid value: "/nowhere/at/all": error loading file: '
            "stat /nowhere/at/all: no such file or directory",
            id="not there",
        ),
        pytest.param(
            {"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "/"}},
            '.connectionInfo.kubeConfigFile: Invalid value: "/": must be a regular file',
            id="a folder",
        ),
        pytest.param(
            {"matchConditions": [{"expression": "true"}]},
            ".matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
            id="conditions of no version",
        ),
        pytest.param(
            {"matchConditionSubjectAccessReviewVersion": "v1", "matchConditions": [{"expression": " "}]},
            ".matchConditions[0].expression: Required value",
            id="empty condition",
        ),
        pytest.param(
            {"matchConditionSubjectAccessReviewVersion": "v1", "matchConditions": [{"expression": "true"}] * 2},
            '.matchConditions[1].expression: Duplicate value: "true"',
            id="condition twice",
        ),
        pytest.param(
            {"matchConditionSubjectAccessReviewVersion": "v1", "matchConditions": [{"expression": "request.user"}]},
            '.matchConditions[0].expression: Invalid value: "request.user": must evaluate to bool but got string',
            id="condition of text",
        ),
        pytest.param(
            {"matchConditionSubjectAccessReviewVersion": "v1", "matchConditions": [{"expression": "true"}] * 65},
            ".matchConditions: Too many: 65: must have at most 64 items",
            id="too many conditions",
        ),
    ],
)
def test_what_is_wrong_with_a_webhook(file: Path, fields: JSON, message: str) -> None:
    assert problem(text(webhook(file, **fields))) == f"authorizers[0]{message}"


def test_an_expression_that_does_not_compile(file: Path) -> None:
    conditions = [{"expression": "request.nobody == 'a'"}]
    given = webhook(file, matchConditionSubjectAccessReviewVersion="v1", matchConditions=conditions)
    path = "authorizers[0].matchConditions[0].expression"
    assert problem(text(given)).startswith(
        f"{path}: Invalid value: \"request.nobody == 'a'\": compilation failed: ERROR"
    )


def test_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "authz.yaml"
    file.write_bytes(text())
    with pytest.raises(ConfigFileError, match=rf"^{file}: authorizers: Required value"):
        read_configuration(file)
    with pytest.raises(ConfigFileError, match="no such file"):
        read_configuration(tmp_path / "nowhere")
