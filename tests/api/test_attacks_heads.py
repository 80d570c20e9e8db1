"""Heads of requests that cost nothing to send, and are to cost little to read: nobody has to be known to send them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.attacks import answered, costs_little, head
from tests.api.bearers import bearing, request_token
from tests.api.processes import ServerProcess

JSON = dict[str, Any]

PODS = "/api/v1/namespaces/default/pods"
DEEP = base64.urlsafe_b64encode(b'{"x":' + b"[" * 300_000 + b"]" * 300_000 + b"}").decode().rstrip("=")
BEARER = "base64url.bearer.authorization.k8s.io.x"
UPGRADE = ("Upgrade: websocket", "Connection: upgrade")
HEADS: dict[str, tuple[int, bytes]] = {
    "a field 180,000 times": (431, head("GET /version", *["a:b"] * 180_000)),
    "as many users": (431, head("GET /version", "impersonate-user: x", *["impersonate-group:b"] * 45_000)),
    "as many keys of extra": (431, head("GET /version", *(f"impersonate-extra-{n}:b" for n in range(36_000)))),
    "as many keys of a proxy": (431, head("GET /version", *(f"x-remote-extra-{n}:b" for n in range(36_000)))),
    "keys of a proxy": (200, head("GET /version", *(f"x-remote-extra-{n}:b" for n in range(9_000)))),
    "a field 9,000 times": (200, head("GET /version", *[f"a:{'b' * 90}"] * 9_000)),
    "groups without a user": (400, head("GET /version", *["impersonate-group:b"] * 9_000)),
    "media types": (200, head("GET /version", "Accept: " + "a/b;q=0.1," * 90_000)),
    "encodings": (200, head("GET /version", "Accept-Encoding: " + "gzip;q=0," * 100_000)),
    "subprotocols": (401, head("GET /version", *UPGRADE, "Sec-WebSocket-Protocol: " + "a," * 100_000 + BEARER)),
    "tokens among them": (
        401,
        head("GET /version", *UPGRADE, f"Sec-WebSocket-Protocol: {BEARER}" + f",{BEARER}" * 20_000),
    ),
    "a token of a megabyte": (401, head("GET /version", "Authorization: Bearer " + "a" * 900_000)),
    "a token of dots": (401, head("GET /version", "Authorization: Bearer " + "." * 900_000)),
    "a token with deep claims": (401, head("GET /version", f"Authorization: Bearer e30.{DEEP}.e30")),
    "a token with a deep head": (401, head("GET /version", f"Authorization: Bearer {DEEP}.e30.e30")),
    "spaces before a token": (401, head("GET /version", f"Authorization: Bearer{' ' * 900_000}x")),
    "parameters": (400, head(f"GET {PODS}?{'a=b&' * 220_000}")),
    "nothing but ampersands": (400, head(f"GET {PODS}?{'&' * 900_000}")),
    "a long path": (414, head(f"GET /{'a' * 900_000}")),
    "a path of slashes": (414, head(f"GET /{'/' * 900_000}")),
    "a path of escapes": (414, head(f"GET {PODS}/x/proxy/{'%2f' * 300_000}")),
    "fields to select by": (403, head(f"GET {PODS}?fieldSelector={'a=b,' * 220_000}")),
    "escapes in a selector": (403, head(f"GET {PODS}?fieldSelector={chr(92) * 900_000}")),
    "labels to select by": (403, head(f"GET {PODS}?labelSelector={'a=b,' * 220_000}")),
    "a name for the audit log": (200, head("GET /version", "Audit-Id: " + "a" * 900_000)),
}


@pytest.mark.parametrize(("status", "sent"), HEADS.values(), ids=HEADS)
def test_it_is_soon_answered(process: ServerProcess, status: int, sent: bytes) -> None:
    with costs_little(process):
        assert answered(process, sent)[0] == status
    assert "Traceback" not in process.said()


TRAILERS = "Impersonate-User: nobody\r\nX-Remote-User: root\r\nAuthorization: Bearer x\r\n\r\n"


def test_what_comes_behind_a_body_says_nothing_of_the_sender(process: ServerProcess) -> None:
    """A proxy that has checked the head would pass it on."""
    chunked = head("POST /version", "Transfer-Encoding: chunked", "Trailer: Authorization")
    expected = answered(process, head("POST /version", "Content-Length: 0"))
    assert answered(process, chunked + f"0\r\n{TRAILERS}".encode())[0] == expected[0] == 403


REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
IN = {"key": "a", "operator": "In", "values": ["b"]}


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param({"requirements": [IN] * 40_000}, id="requirements"),
        pytest.param({"requirements": [{**IN, "values": ["b"] * 400_000}]}, id="values"),
        pytest.param({"rawSelector": "a=b," * 500_000}, id="text"),
    ],
)
def test_what_everybody_may_ask_is_soon_answered(process: ServerProcess, namespace: str, selector: JSON) -> None:
    """By the token of any Pod, which has no rights."""
    token = request_token(process, namespace).json["status"]["token"]
    about = {"verb": "list", "resource": "pods", "labelSelector": selector}
    body = json.dumps({"spec": {"resourceAttributes": about}}).encode()
    sent = head(f"POST {REVIEW}", f"Authorization: Bearer {token}", "Content-Type: application/json", body=body)
    with costs_little(process, 0.8):  # most of it to read some megabytes
        status, said = answered(process, sent)
    assert (status, b"ignored due to parse error" in said) == (201, True)


def test_a_role_of_a_billion_rights_is_soon_refused(process: ServerProcess, namespace: str) -> None:
    """To somebody who may write roles, and has few rights to give away."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    words = [f"w{number}" for number in range(1000)]
    rule = {"verbs": words, "apiGroups": words, "resources": words}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}]
    binding = {"metadata": {"name": "admin"}, "roleRef": reference, "subjects": subjects}
    assert process.send("POST", f"{rbac}/rolebindings", binding).status == 201
    token = request_token(process, namespace).json["status"]["token"]
    with costs_little(process, 0.8):
        reply = bearing(process, token, "POST", f"{rbac}/roles", {"metadata": {"name": "r"}, "rules": [rule]})
    assert (reply.status, "is attempting to grant RBAC permissions" in reply.json["message"]) == (403, True)
