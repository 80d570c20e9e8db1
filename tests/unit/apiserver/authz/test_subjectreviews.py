"""What a webhook is asked, and what its answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Decision, Verdict
from knarr.apiserver.authz.subjectreviews import ReviewError, decision, may_be_remembered, review, spec_of
from knarr.apiserver.info import RequestInfo, parse

BOB = User("bob", "7", ("dev",), {"scopes": ("a", "b")})
WHO = {"user": "bob", "groups": ["dev"], "extra": {"scopes": ["a", "b"]}, "uid": "7"}


@pytest.mark.parametrize(
    ("line", "about"),
    [
        pytest.param(
            "GET /apis/apps/v1/namespaces/shop/deployments/web/scale",
            {
                "resourceAttributes": {
                    "namespace": "shop",
                    "verb": "get",
                    "group": "apps",
                    "version": "v1",
                    "resource": "deployments",
                    "subresource": "scale",
                    "name": "web",
                }
            },
            id="a resource",
        ),
        pytest.param(
            "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn,status.phase!%3DFailed"
            "&labelSelector=app%20in%20(b,a),!x,y",
            {
                "resourceAttributes": {
                    "verb": "list",
                    "version": "v1",
                    "resource": "pods",
                    "fieldSelector": {
                        "requirements": [
                            {"key": "spec.nodeName", "operator": "In", "values": ["n"]},
                            {"key": "status.phase", "operator": "NotIn", "values": ["Failed"]},
                        ]
                    },
                    "labelSelector": {
                        "requirements": [
                            {"key": "app", "operator": "In", "values": ["a", "b"]},
                            {"key": "x", "operator": "DoesNotExist"},
                            {"key": "y", "operator": "Exists"},
                        ]
                    },
                }
            },
            id="selectors",
        ),
        pytest.param(
            "GET /api/v1/pods?fieldSelector=nonsense&labelSelector=(",
            {"resourceAttributes": {"verb": "list", "version": "v1", "resource": "pods"}},
            id="selectors that nobody understands",
        ),
        pytest.param("GET /healthz", {"nonResourceAttributes": {"path": "/healthz", "verb": "get"}}, id="a path"),
    ],
)
def test_the_question(line: str, about: Any) -> None:
    method, _, url = line.partition(" ")
    path, _, query = url.partition("?")
    assert spec_of(BOB, parse(method, path, query)) == {**about, **WHO}


def test_the_older_version_has_a_group() -> None:
    sent = json.loads(review("v1beta1", {"user": "bob", "groups": ["dev"]}))
    assert sent == {
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1beta1",
        "spec": {"user": "bob", "group": ["dev"]},
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"status": {"allowed": True, "reason": "r"}}, Decision(Verdict.ALLOW, "r"), id="allowed"),
        pytest.param({"status": {"allowed": False, "reason": "r"}}, Decision(Verdict.NO_OPINION, "r"), id="no opinion"),
        pytest.param({"status": {"denied": True, "reason": "r"}}, Decision(Verdict.DENY, "r"), id="denied"),
        pytest.param({}, Decision(Verdict.NO_OPINION), id="nothing"),
        pytest.param(
            {"status": {"denied": True, "allowed": True}},
            Decision(Verdict.DENY, error="webhook subject access review returned both allow and deny response"),
            id="both",
        ),
    ],
)
def test_the_answer(answer: Any, expected: Decision) -> None:
    assert decision(json.dumps(answer).encode(), "v1") == expected


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"hello", id="no JSON"),
        pytest.param(b'{"status": {"allowed": "yes"}}', id="another type"),
        pytest.param(b'{"kind": "Status", "apiVersion": "v1"}', id="another kind"),
        pytest.param(b'{"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1beta1"}', id="version"),
    ],
)
def test_no_answer(answer: bytes) -> None:
    with pytest.raises(ReviewError):
        decision(answer, "v1")


def test_what_is_too_large_is_not_remembered() -> None:
    assert may_be_remembered(RequestInfo("get", name="a" * 9000, is_resource=True))
    assert not may_be_remembered(RequestInfo("get", name="a" * 10_000, is_resource=True))
