"""What rules allow."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.authz.defaults.notation import rule
from knarr.apiserver.authz.rules import Rules
from knarr.apiserver.info import parse

NS = "/api/v1/namespaces/x"
APPS = "/apis/apps/v1/namespaces/x"


def allows(lines: str, request: str) -> bool:
    method, _, url = request.partition(" ")
    path, _, query = url.partition("?")
    return Rules(rule(line) for line in lines.splitlines()).allow(parse(method, path, query))


@pytest.mark.parametrize(
    ("lines", "request_"),
    [
        pytest.param("get: pods", f"GET {NS}/pods/p", id="a verb, a resource"),
        pytest.param("list: pods\nget: pods", f"GET {NS}/pods/p", id="the second rule"),
        pytest.param("*: pods", f"DELETE {NS}/pods/p", id="any verb"),
        pytest.param("list: deployments in apps", f"GET {APPS}/deployments", id="a group"),
        pytest.param("list: deployments in *", f"GET {APPS}/deployments", id="any group"),
        pytest.param("list: * in apps", f"GET {APPS}/deployments", id="any resource"),
        pytest.param("get: * in core", f"GET {NS}/pods/p/log", id="any resource, any subresource"),
        pytest.param("get: pods/log", f"GET {NS}/pods/p/log", id="a subresource"),
        pytest.param("get: */scale in *", f"GET {APPS}/deployments/d/scale", id="a subresource of any resource"),
        pytest.param("get: pods named p q", f"GET {NS}/pods/p", id="one of the names"),
        pytest.param("list: pods named p", f"GET {NS}/pods?fieldSelector=metadata.name%3Dp", id="a list of one name"),
        pytest.param("watch: pods named p", f"GET {NS}/pods?watch=1&fieldSelector=metadata.name%3Dp", id="its watch"),
        pytest.param("get: /healthz", "GET /healthz", id="a path"),
        pytest.param("get: /healthz/*", "GET /healthz/etcd", id="a path's beginning"),
        pytest.param("*: *", "POST /anything", id="any path"),
    ],
)
def test_allowed(lines: str, request_: str) -> None:
    assert allows(lines, request_)


@pytest.mark.parametrize(
    ("lines", "request_"),
    [
        pytest.param("get: pods", f"GET {NS}/pods", id="another verb"),
        pytest.param("list: deployments", f"GET {APPS}/deployments", id="another group"),
        pytest.param("get: pods", f"GET {NS}/pods/p/log", id="a resource is not its subresources"),
        pytest.param("get: pods/log", f"GET {NS}/pods/p", id="nor the other way round"),
        pytest.param("get: */scale in *", f"GET {APPS}/deployments/d", id="a subresource of any, not these"),
        pytest.param("get: pods named p", f"GET {NS}/pods/q", id="another name"),
        pytest.param("list: pods named p", f"GET {NS}/pods", id="no name"),
        pytest.param("create: pods named p", f"POST {NS}/pods", id="a name that is not known yet"),
        pytest.param("get: pods named *", f"GET {NS}/pods/p", id="a star is no name"),
        pytest.param("get: /healthz", "GET /healthz/etcd", id="a path is not what is below it"),
        pytest.param("get: /healthz", "POST /healthz", id="another method"),
        pytest.param("*: *", f"GET {NS}/pods", id="any path, but no resource"),
        pytest.param("*: * in *", "GET /healthz", id="any resource, but no path"),
    ],
)
def test_not_allowed(lines: str, request_: str) -> None:
    assert not allows(lines, request_)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "read update: pods services",
            {"verbs": ["get", "list", "update", "watch"], "apiGroups": [""], "resources": ["pods", "services"]},
            id="of the core group",
        ),
        pytest.param(
            "get: leases in coordination.k8s.io core named b a",
            {
                "verbs": ["get"],
                "apiGroups": ["", "coordination.k8s.io"],
                "resources": ["leases"],
                "resourceNames": ["a", "b"],
            },
            id="groups and names",
        ),
        pytest.param("get: /b /a", {"verbs": ["get"], "nonResourceURLs": ["/a", "/b"]}, id="paths"),
        pytest.param(
            "get: */scale in *",
            {"verbs": ["get"], "apiGroups": ["*"], "resources": ["*/scale"]},
            id="a subresource of anything",
        ),
    ],
)
def test_the_notation(line: str, expected: dict[str, Any]) -> None:
    assert rule(line) == expected
