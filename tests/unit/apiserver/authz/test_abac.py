"""Policies of ABAC: whom they allow what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.abac import ABAC, Policy, read_policies
from knarr.apiserver.authz.authorizer import Verdict
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.info import parse

BOB = User("bob", groups=("developers", "system:authenticated"))
NS = "/api/v1/namespaces/shop"


def line(**spec: object) -> str:
    return json.dumps({"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": spec})


def allows(policies: str, request: str, user: User = BOB, *, directory: Path) -> bool:
    file = directory / "policies"
    file.write_text(policies)
    method, _, path = request.partition(" ")
    return ABAC(read_policies(file)).at_once(user, parse(method, path)).verdict is Verdict.ALLOW


EVERYTHING = {"namespace": "*", "resource": "*", "apiGroup": "*"}


@pytest.mark.parametrize(
    ("policies", "request_line", "allowed"),
    [
        pytest.param(line(user="bob", **EVERYTHING), f"POST {NS}/pods", True, id="a user"),
        pytest.param(line(user="eve", **EVERYTHING), f"GET {NS}/pods", False, id="another user"),
        pytest.param(line(user="*", **EVERYTHING), f"GET {NS}/pods", True, id="who is authenticated"),
        pytest.param(line(group="developers", **EVERYTHING), f"GET {NS}/pods", True, id="a group"),
        pytest.param(line(user="bob", group="admins", **EVERYTHING), f"GET {NS}/pods", False, id="user and group"),
        pytest.param(line(**EVERYTHING), f"GET {NS}/pods", False, id="nobody"),
        pytest.param(line(user="bob", readonly=True, **EVERYTHING), f"GET {NS}/pods", True, id="reading"),
        pytest.param(line(user="bob", readonly=True, **EVERYTHING), f"DELETE {NS}/pods/a", False, id="writing"),
        pytest.param(
            line(user="bob", namespace="other", resource="*", apiGroup="*"), f"GET {NS}/pods", False, id="namespace"
        ),
        pytest.param(line(user="bob", namespace="*", resource="pods"), f"GET {NS}/pods", True, id="the core group"),
        pytest.param(
            line(user="bob", namespace="*", resource="*"), "GET /apis/apps/v1/deployments", False, id="another group"
        ),
        pytest.param(line(user="bob", **EVERYTHING), "GET /healthz", False, id="no path"),
        pytest.param(line(user="bob", nonResourcePath="*"), "GET /healthz", True, id="any path"),
        pytest.param(line(user="bob", nonResourcePath="/healthz/*"), "GET /healthz/etcd", True, id="paths below"),
        pytest.param(line(user="bob", nonResourcePath="*"), f"GET {NS}/pods", False, id="a resource is no path"),
        pytest.param('{"user": "bob"}', f"POST {NS}/pods", True, id="the first version"),
        pytest.param("{}", "GET /version", True, id="the first version about everybody"),
        pytest.param('{"group": "admins"}', f"GET {NS}/pods", False, id="the first version about a group"),
        pytest.param('{"resource": "pods", "readonly": true}', f"GET {NS}/services", False, id="the first version's"),
        pytest.param(f"# nothing\n\n{line(user='bob', **EVERYTHING)}\n", f"GET {NS}/pods", True, id="comments"),
    ],
)
def test_policies(tmp_path: Path, policies: str, request_line: str, allowed: bool) -> None:
    assert allows(policies, request_line, directory=tmp_path) is allowed


def test_a_refusal_has_upstreams_reason() -> None:
    assert ABAC(()).at_once(BOB, parse("GET", "/")).reason == "No policy matched."


def test_what_somebody_holds() -> None:
    policies = [
        Policy(user="bob", namespace="shop", resource="pods", api_group="", readonly=True),
        Policy(user="bob", namespace="*", non_resource_path="/metrics"),
        Policy(user="bob", namespace="other", resource="secrets"),
    ]
    assert ABAC(policies).held(BOB, "shop").rules == [
        {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["*"], "nonResourceURLs": ["/metrics"]},
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("# fine\n{", "line 2: {: ", id="no JSON"),
        pytest.param("[]", "line 1: []: a policy is an object", id="a list"),
        pytest.param(
            '{"kind": "Policy", "apiVersion": "v9"}', 'no kind "Policy" is registered for version "v9"', id="version"
        ),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "policies"
    file.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        read_policies(file)
    assert str(caught.value).startswith(f"error reading policy file {file}, line ")
    assert why in str(caught.value)
