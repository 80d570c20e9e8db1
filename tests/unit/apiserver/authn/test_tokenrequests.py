"""Requests for tokens: what the audit log is told, and what a token is asked to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knarr.apiserver.audit.trails import Trail, follow, remarks
from knarr.apiserver.authn.keys import ISSUER
from knarr.apiserver.authn.tokenrequests import TokenRequests
from knarr.apiserver.authn.users import User
from knarr.apiserver.info import parse
from knarr.apiserver.request import APIRequest
from knarr.machinery.errors import APIError, MethodNotAllowed
from knarr.wire.messages import Request, Response
from tests.unit.apiserver.authn.clusters import ACCOUNT, POD, START, TEAM, Cluster, cluster, decoded

JSON = dict[str, Any]
PATH = f"/api/v1/namespaces/{TEAM}/serviceaccounts/{ACCOUNT.name}/token"
OF_POD = {"kind": "Pod", "apiVersion": "v1", "name": POD.name}
YEAR = 365 * 86400


async def ask(it: Cluster, spec: JSON, method: str = "POST") -> JSON:
    """The answer to a request, with the Pod that the account runs."""
    await it.put("pods", POD.name, metadata={"uid": POD.uid}, spec={"serviceAccountName": ACCOUNT.name})
    http = Request(method, PATH, "", {"content-type": "application/json"}, json.dumps({"spec": spec}).encode())
    request = APIRequest(http, parse(method, PATH, ""), User("kubelet"), {})
    answer = await TokenRequests(it.registry, it.rules).handle(request)
    assert isinstance(answer, Response)
    return {**json.loads(answer.body), "warning": answer.headers.get("warning")}


async def test_the_token_is_named_in_the_audit_log() -> None:
    async with cluster() as it:
        follow(Trail(START))
        token = (await ask(it, {}))["status"]["token"]
        assert remarks() == {"authentication.kubernetes.io/issued-credential-id": f"JTI={decoded(token)['jti']}"}


@pytest.mark.parametrize(
    ("rules", "spec", "seconds", "extended"),
    [
        ({}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD}, 3607, True),
        ({}, {"expirationSeconds": 3600, "boundObjectRef": OF_POD}, 3600, False),
        ({}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD, "audiences": ["vault"]}, 3607, False),
        ({}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD, "audiences": [ISSUER]}, 3607, True),
        ({}, {"expirationSeconds": 3607}, 3607, False),
        ({"extends": False}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD}, 3607, False),
        ({"longest": 3600}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD}, 3600, False),
        ({"longest": 3700}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD}, 3607, True),
        ({"longest": 3700}, {}, 3600, False),
        ({"audiences": ["api"]}, {"expirationSeconds": 3607, "boundObjectRef": OF_POD}, 3607, True),
    ],
    ids=[
        "a pod's",
        "asked for",
        "others'",
        "ours",
        "unbound",
        "not extended",
        "shortened",
        "short",
        "default",
        "api's",
    ],
)
async def test_how_long_a_token_lasts(rules: JSON, spec: JSON, seconds: int, extended: bool) -> None:
    async with cluster(**rules) as it:
        answer = await ask(it, spec)
        claims, now = decoded(answer["status"]["token"]), int(START.timestamp())
        assert claims["exp"] - now == (YEAR if extended else seconds)
        assert claims["kubernetes.io"].get("warnafter") == (now + seconds if extended else None)
        assert answer["spec"]["expirationSeconds"] == seconds
        assert answer["status"]["expirationTimestamp"] == f"2026-01-01T01:{seconds // 60 - 60:02}:{seconds % 60:02}Z"
        asked = spec.get("expirationSeconds", 3600)
        shortened = f'299 - "requested expiration of {asked} seconds shortened to {seconds} seconds"'
        assert answer["warning"] == (shortened if asked != seconds else None)


@pytest.mark.parametrize(
    "spec",
    [{"audiences": "vault"}, {"audiences": [1]}, {"expirationSeconds": "1h"}, {"boundObjectRef": []}],
    ids=str,
)
async def test_what_is_no_request_is_refused(spec: JSON) -> None:
    async with cluster() as it:
        with pytest.raises(APIError, match="TokenRequest in version v1 cannot be handled as a TokenRequest"):
            await ask(it, spec)


async def test_a_token_is_only_asked_for() -> None:
    async with cluster() as it:
        with pytest.raises(MethodNotAllowed):
            await ask(it, {}, "GET")
