"""Heads of requests that cost nothing to send, and are to cost little to read: nobody has to be known to send them."""

from __future__ import annotations

import base64

import pytest

from tests.api.attacks import answered, costs_little, head
from tests.api.processes import ServerProcess

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
