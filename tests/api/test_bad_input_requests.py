"""Requests for what is not there or cannot be done: paths, methods, parameters, and forms of answers."""

from __future__ import annotations

import pytest

from tests.api.refusals import REASONS, Sender, config_map

NOTHING_HERE = "the server could not find the requested resource"
NOT_ALLOWED = "the server does not allow this method on the requested resource"


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", "/api/v1/namespaces/{ns}/nonsense", 404, NOTHING_HERE),
        ("GET", "/apis/apps/v7/deployments", 404, NOTHING_HERE),
        ("GET", "/api/v1/namespaces/{ns}/pods/p/nonsense", 404, NOTHING_HERE),
        ("GET", "/api/v1/namespaces/{ns}/configmaps/none", 404, 'configmaps "none" not found'),
        ("DELETE", "/api/v1/namespaces/{ns}/configmaps/none", 404, 'configmaps "none" not found'),
        ("DELETE", "/apis/apps/v1/namespaces/{ns}/deployments/no", 404, 'deployments.apps "no" not found'),
        ("POST", "/api/v1/configmaps", 405, NOT_ALLOWED),
        ("PUT", "/api/v1/namespaces/{ns}/configmaps", 405, NOT_ALLOWED),
        ("POST", "/api/v1/namespaces/{ns}/configmaps/m", 405, NOT_ALLOWED),
        ("DELETE", "/api/v1/namespaces", 405, NOT_ALLOWED),
        ("GET", "/api/v1/pods?labelSelector=a%20in", 400, "unable to parse requirement"),
        ("GET", "/api/v1/pods?labelSelector=%3D%3D", 400, "unable to parse requirement"),
        ("GET", "/api/v1/pods?fieldSelector=spec.nonsense%3D1", 400, "field label not supported: spec.nonsense"),
        ("GET", "/api/v1/pods?fieldSelector=x", 400, "invalid selector: 'x'; can't understand 'x'"),
        ("GET", "/api/v1/pods?limit=x", 400, ""),
        ("GET", "/api/v1/pods?continue=x", 400, "continue key is not valid"),
        ("GET", "/api/v1/pods?resourceVersion=x", 422, 'parsing "x": invalid syntax'),
        ("GET", "/api/v1/pods?resourceVersionMatch=Exact", 422, "resourceVersionMatch"),
        ("GET", "/api/v1/pods?watch=1&resourceVersion=x", 422, 'parsing "x": invalid syntax'),
        ("DELETE", "/api/v1/namespaces/{ns}/configmaps/m?propagationPolicy=Never", 422, 'Unsupported value: "Never"'),
        ("DELETE", "/api/v1/namespaces/{ns}/configmaps/m?gracePeriodSeconds=x", 400, ""),
        ("DELETE", "/api/v1/namespaces/{ns}/configmaps/m?dryRun=Some", 422, 'Unsupported value: "Some"'),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_requests(sender: Sender, method: str, path: str, code: int, message: str) -> None:
    body = config_map() if method in ("POST", "PUT") else None
    found = sender.refused(method, path.replace("{ns}", sender.namespace), body).failure
    assert found[:2] == (code, REASONS[code]) and message in found[2], found


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "application/json;as=Nonsense;g=x;v=v1"])
def test_answers_that_nobody_can_give(sender: Sender, accept: str) -> None:
    reply = sender.refused("GET", sender.path("configmaps"), accept=accept)
    assert reply.failure[:2] == (406, "NotAcceptable")
    assert reply.failure[2].startswith(
        "only the following media types are accepted: application/json, application/yaml"
    )
