"""Service account tokens as they are asked for, and what the API server makes of them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.bearers import WHOAMI, bearing, claims_of, request_token, whoami
from tests.api.processes import ServerProcess

JSON = dict[str, Any]
ISSUER = "https://kubernetes.default.svc.cluster.local"
EXTRA = "authentication.kubernetes.io"


def make_pod(server: ServerProcess, namespace: str, name: str, node: str = "") -> JSON:
    spec = {"containers": [{"name": "c", "image": "i"}], **({"nodeName": node} if node else {})}
    made = server.send("POST", f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": name}, "spec": spec})
    assert made.status == 201, made.body
    found: JSON = made.json
    return found


def bound_to(kind: str, name: str, **more: str) -> JSON:
    return {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name, **more}}


def test_what_is_answered(process: ServerProcess, namespace: str) -> None:
    now = int(time.time())
    reply = request_token(process, namespace, audiences=None, expirationSeconds=None, boundObjectRef=None)
    assert reply.status == 201
    token = reply.json["status"]["token"]
    claims = claims_of(token)
    assert reply.json["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None}
    assert reply.json["metadata"] == {
        "name": "default",
        "namespace": namespace,
        "uid": claims["kubernetes.io"]["serviceaccount"]["uid"],
        "creationTimestamp": reply.json["metadata"]["creationTimestamp"],
    }
    assert (claims["iss"], claims["aud"]) == (ISSUER, [ISSUER])
    assert claims["exp"] - 3600 == claims["iat"] == claims["nbf"]
    assert now <= claims["iat"] <= now + 5
    assert whoami(process, token) == {
        "username": f"system:serviceaccount:{namespace}:default",
        "uid": claims["kubernetes.io"]["serviceaccount"]["uid"],
        "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
        "extra": {f"{EXTRA}/credential-id": [f"JTI={claims['jti']}"]},
    }


def test_a_pods_token_tells_of_its_node(process: ServerProcess, namespace: str) -> None:
    pod = make_pod(process, namespace, "p", node=f"gone-{namespace}")
    token = request_token(process, namespace, **bound_to("Pod", "p")).json["status"]["token"]
    uid = pod["metadata"]["uid"]
    node = {"name": f"gone-{namespace}"}
    assert claims_of(token)["kubernetes.io"]["pod"] == {"name": "p", "uid": uid}
    assert claims_of(token)["kubernetes.io"]["node"] == node  # by its name alone, since there is no such node
    extra = whoami(process, token)["extra"]  # type: ignore[index]
    told = {key.partition("/")[2]: value[0] for key, value in extra.items() if "credential" not in key}
    assert told == {"pod-name": "p", "pod-uid": uid, "node-name": node["name"]}


def test_the_token_that_pods_get_unasked_lasts(process: ServerProcess, namespace: str) -> None:
    make_pod(process, namespace, "p")
    reply = request_token(process, namespace, expirationSeconds=3607, **bound_to("Pod", "p"))
    claims = claims_of(reply.json["status"]["token"])
    assert claims["exp"] - claims["iat"] == 365 * 86400
    assert claims["kubernetes.io"]["warnafter"] == claims["iat"] + 3607
    created = time.strptime(reply.json["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
    expires = time.strptime(reply.json["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
    assert time.mktime(expires) - time.mktime(created) == 3607  # when its kubelet is to ask for another


@pytest.mark.parametrize("spec", [{"audiences": ["vault"]}, {"boundObjectRef": None}], ids=["for others", "unbound"])
def test_others_do_not(process: ServerProcess, namespace: str, spec: JSON) -> None:
    make_pod(process, namespace, "p")
    reply = request_token(process, namespace, **{"expirationSeconds": 3607, **bound_to("Pod", "p"), **spec})
    claims = claims_of(reply.json["status"]["token"])
    assert (claims["exp"] - claims["iat"], "warnafter" in claims["kubernetes.io"]) == (3607, False)


@pytest.mark.parametrize(
    ("spec", "code", "reason", "message"),
    [
        (
            {"expirationSeconds": 599},
            422,
            "Invalid",
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: '
            "may not specify a duration less than 10 minutes",
        ),
        (
            {"expirationSeconds": 0},
            422,
            "Invalid",
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 0: '
            "may not specify a duration less than 10 minutes",
        ),
        (
            {"expirationSeconds": (1 << 32) + 1},
            422,
            "Invalid",
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: '
            "4294967297: may not specify a duration larger than 2^32 seconds",
        ),
        (bound_to("Pod", "none"), 404, "NotFound", 'pods "none" not found'),
        (bound_to("Secret", "none"), 404, "NotFound", 'secrets "none" not found'),
        (bound_to("Node", "none"), 404, "NotFound", 'nodes "none" not found'),
        (
            bound_to("ConfigMap", "c"),
            400,
            "BadRequest",
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        (
            bound_to("Pod", "p", apiVersion="apps/v1"),
            400,
            "BadRequest",
            "cannot bind token to object of type apps/v1, Kind=Pod",
        ),
        (
            bound_to("Pod", "p", uid="x"),
            409,
            "Conflict",
            'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (x) does not match the '
            "UID in record. The object might have been deleted and then recreated",
        ),
    ],
    ids=["short", "none", "long", "no pod", "no secret", "no node", "a kind", "a group", "another uid"],
)
def test_what_is_refused(
    process: ServerProcess, namespace: str, spec: JSON, code: int, reason: str, message: str
) -> None:
    make_pod(process, namespace, "p")
    assert request_token(process, namespace, **spec).failure == (code, reason, message)


def test_only_for_the_account_that_the_pod_runs_as(process: ServerProcess, namespace: str) -> None:
    make_pod(process, namespace, "p")
    process.send("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "other"}})
    assert request_token(process, namespace, "other", **bound_to("Pod", "p")).failure == (
        400,
        "BadRequest",
        'cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.',
    )
    assert request_token(process, namespace, "nobody").failure == (
        404,
        "NotFound",
        'serviceaccounts "nobody" not found',
    )


def test_a_request_names_the_account_of_its_address(process: ServerProcess, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    why = 'Invalid value: "other": must match the service account name if specified'
    assert process.send("POST", path, {"metadata": {"name": "other"}}).causes == [
        ("FieldValueInvalid", "metadata.name", why)
    ]
    for nothing in (None, {"name": "", "namespace": ""}, {"namespace": None}):
        assert process.send("POST", path, {"metadata": nothing}).status == 201
    assert process.send("POST", path, {"metadata": {"namespace": "other"}}).failure == (
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    )


def test_a_request_may_say_which_account_of_that_name_is_meant(process: ServerProcess, namespace: str) -> None:
    base = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    uid = process.send("GET", base).json["metadata"]["uid"]
    assert process.send("POST", f"{base}/token", {"metadata": {"uid": uid}}).status == 201
    assert process.send("POST", f"{base}/token", {"metadata": {"uid": "x"}}).failure == (
        409,
        "Conflict",
        'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "default": the UID in the token request '
        f"(x) does not match the UID of the service account ({uid})",
    )


@pytest.mark.parametrize("kind", ["Pod", "Secret", "Node", "ServiceAccount"])
def test_a_token_dies_at_once_with_what_it_is_bound_to(process: ServerProcess, namespace: str, kind: str) -> None:
    name, base = f"it-{namespace}", f"/api/v1/namespaces/{namespace}"
    paths = {"Pod": f"{base}/pods", "Secret": f"{base}/secrets", "Node": "/api/v1/nodes"}
    account = "default"
    if kind == "ServiceAccount":
        account = "mortal"
        paths[kind] = f"{base}/serviceaccounts"
        name = account
    body = {"metadata": {"name": name}}

    def make() -> None:
        if kind == "Pod":
            make_pod(process, namespace, name)
        else:
            assert process.send("POST", paths[kind], body).status == 201

    make()
    bound = {} if kind == "ServiceAccount" else bound_to(kind, name)
    token = request_token(process, namespace, account, **bound).json["status"]["token"]
    assert isinstance(whoami(process, token), dict)
    assert process.send("DELETE", f"{paths[kind]}/{name}?gracePeriodSeconds=0").status == 200
    assert whoami(process, token) == 401
    review = {"spec": {"token": token}}
    status = process.send("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).json["status"]
    assert (status.get("authenticated", False), status["user"]) == (False, {})
    make()  # another one of that name
    assert whoami(process, token) == 401
    assert process.send("DELETE", f"{paths[kind]}/{name}?gracePeriodSeconds=0").status == 200


def test_a_token_for_others_is_refused(process: ServerProcess, namespace: str) -> None:
    token = request_token(process, namespace, audiences=["vault"]).json["status"]["token"]
    assert bearing(process, token, "POST", WHOAMI, {}).failure == (401, "Unauthorized", "Unauthorized")


def test_the_issuer_publishes_its_keys(process: ServerProcess, namespace: str) -> None:
    import jwt

    found = process.send("GET", "/.well-known/openid-configuration").json
    assert (found["issuer"], found["id_token_signing_alg_values_supported"]) == (ISSUER, ["RS256"])
    assert found["jwks_uri"] == f"https://127.0.0.1:{process.config.api_port}/openid/v1/jwks"
    (key,) = process.send("GET", "/openid/v1/jwks").json["keys"]
    token = request_token(process, namespace, audiences=["vault"]).json["status"]["token"]
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=[key["alg"]], audience="vault", issuer=ISSUER)
    assert claims["sub"] == f"system:serviceaccount:{namespace}:default"
