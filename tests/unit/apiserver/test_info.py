from __future__ import annotations

import pytest

from knarr.apiserver.info import RequestInfo, parse

NS = "/api/v1/namespaces/default"


def info(verb: str, resource: str, name: str = "", **more: str) -> RequestInfo:
    return RequestInfo(verb=verb, resource=resource, name=name, is_resource=True, **{"version": "v1", **more})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(f"GET {NS}/pods", info("list", "pods", namespace="default"), id="list"),
        pytest.param("GET /api/v1/pods", info("list", "pods"), id="list of all namespaces"),
        pytest.param(f"GET {NS}/pods?watch=true", info("watch", "pods", namespace="default"), id="watch"),
        pytest.param(f"GET {NS}/pods?watch=0", info("list", "pods", namespace="default"), id="watch=0 is a list"),
        pytest.param("GET /api/v1/watch/nodes", info("watch", "nodes"), id="deprecated watch path"),
        pytest.param(f"GET {NS}/pods/a", info("get", "pods", "a", namespace="default"), id="get"),
        pytest.param(f"HEAD {NS}/pods/a", info("get", "pods", "a", namespace="default"), id="head"),
        pytest.param(f"POST {NS}/pods", info("create", "pods", namespace="default"), id="create"),
        pytest.param(f"PUT {NS}/pods/a", info("update", "pods", "a", namespace="default"), id="update"),
        pytest.param(f"PATCH {NS}/pods/a", info("patch", "pods", "a", namespace="default"), id="patch"),
        pytest.param(f"DELETE {NS}/pods/a", info("delete", "pods", "a", namespace="default"), id="delete"),
        pytest.param(f"DELETE {NS}/pods", info("deletecollection", "pods", namespace="default"), id="deletecollection"),
        pytest.param(
            f"GET {NS}/pods/a/log", info("get", "pods", "a", subresource="log", namespace="default"), id="subresource"
        ),
        pytest.param(
            NS.join(("GET ", "")), info("get", "namespaces", "default", namespace="default"), id="a namespace"
        ),
        pytest.param("GET /api/v1/namespaces", info("list", "namespaces"), id="namespaces"),
        pytest.param(
            f"PUT {NS}/finalize",
            info("update", "namespaces", "default", subresource="finalize", namespace="default"),
            id="a namespace's subresource",
        ),
        pytest.param(
            "GET /apis/apps/v1/namespaces/x/deployments/d/scale",
            info("get", "deployments", "d", group="apps", subresource="scale", namespace="x"),
            id="group",
        ),
        pytest.param(
            f"GET {NS}/pods?fieldSelector=metadata.name%3Da",
            info("list", "pods", "a", namespace="default", field_selector="metadata.name=a"),
            id="a field selector that pins the name",
        ),
        pytest.param(
            f"GET {NS}/pods?fieldSelector=metadata.name!%3Da&labelSelector=app",
            info("list", "pods", namespace="default", field_selector="metadata.name!=a", label_selector="app"),
            id="selectors that pin nothing",
        ),
        pytest.param(
            f"GET {NS}/pods?fieldSelector=metadata.name%3D..",
            info("list", "pods", namespace="default", field_selector="metadata.name=.."),
            id="what can be no name is none",
        ),
        pytest.param(
            f"GET {NS}/pods?fieldSelector=metadata.name%3Da&fieldSelector=metadata.name%3Db",
            info("list", "pods", "a", namespace="default", field_selector="metadata.name=a"),
            id="the first of two selectors",
        ),
        pytest.param(
            f"DELETE {NS}/pods?labelSelector=app%3Da",
            info("deletecollection", "pods", namespace="default", label_selector="app=a"),
            id="deletecollection by labels",
        ),
        pytest.param(
            "GET /api/v1/watch/nodes?fieldSelector=metadata.name%3Da",
            info("watch", "nodes"),
            id="the deprecated watch path knows no selectors",
        ),
        pytest.param(
            f"GET {NS}/pods/https:a:80/proxy/b%20c//d/",
            info("get", "pods", "https:a:80", subresource="proxy", namespace="default", rest="/b%20c//d/"),
            id="proxy keeps the raw rest",
        ),
        pytest.param(f"GET {NS}/pods/a%20b", info("get", "pods", "a b", namespace="default"), id="encoded name"),
        pytest.param(
            f"GET {NS}/pods/a%2Flog",
            info("get", "pods", "a", subresource="log", namespace="default"),
            id="encoded slash",
        ),
        pytest.param(
            f"GET %2F{NS}%2Fpods/a%2Fproxy%2fb%2Fc/",
            info("get", "pods", "a", subresource="proxy", namespace="default", rest="%2fb%2Fc/"),
            id="proxy keeps the raw rest behind encoded slashes",
        ),
        pytest.param(
            "GET /api/v1/watch/namespaces/default/pods/a/proxy//b",
            info("watch", "pods", "a", subresource="proxy", namespace="default", rest="//b"),
            id="the rest of a deprecated watch path",
        ),
        pytest.param(
            "GET /api/v1//secrets", info("get", "", "secrets"), id="nothing between two slashes is a resource's name"
        ),
        pytest.param("GET //api/v1/secrets/", info("list", "secrets"), id="slashes around"),
        pytest.param("GET /api/v1", RequestInfo("get"), id="a version"),
        pytest.param("GET /apis/apps/v1", RequestInfo("get"), id="a group's version"),
        pytest.param("POST /healthz", RequestInfo("post"), id="non-resource"),
        pytest.param("GET /healthz/a%20b", RequestInfo("get"), id="an encoded path"),
    ],
)
def test_parse(line: str, expected: RequestInfo) -> None:
    method, _, url = line.partition(" ")
    path, _, query = url.partition("?")
    parsed = parse(method, path, query)
    assert {**_fields(parsed), "path": ""} == _fields(expected)


def test_a_path_without_end_is_read_in_one_pass() -> None:
    parsed = parse("GET", f"{NS}/pods/a/proxy" + "/b" * 200_000)
    assert (parsed.name, parsed.subresource, parsed.rest) == ("a", "proxy", "/b" * 200_000)


def _fields(of: RequestInfo) -> dict[str, object]:
    return {name: getattr(of, name) for name in RequestInfo.__struct_fields__}


def test_paths_are_what_rules_call_them() -> None:
    assert parse("GET", "/metri%63s").path == "/metrics"
