"""Requests by a bearer token alone: no certificate is shown."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

from tests.api.processes import PATIENCE, Reply, ServerProcess, exchange

JSON = dict[str, Any]
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def bearing(server: ServerProcess, token: str, method: str, path: str, body: Any = None) -> Reply:
    """The answer to a request of the token's."""
    tls = ssl.create_default_context(cafile=str(server.config.pki / "ca.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", server.config.api_port, context=tls, timeout=PATIENCE)
    try:
        return exchange(connection, method, path, body, authorization=f"Bearer {token}")
    finally:
        connection.close()


def whoami(server: ServerProcess, token: str) -> JSON | int:
    """Whose the token is: the user, or the status of the refusal."""
    reply = bearing(server, token, "POST", WHOAMI, {})
    return reply.json["status"]["userInfo"] if reply.status == 201 else reply.status


def request_token(server: ServerProcess, namespace: str, account: str = "default", **spec: Any) -> Reply:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    return server.send("POST", path, {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec})


def claims_of(token: str) -> JSON:
    """What a token says, whoever has signed it."""
    part = token.split(".")[1]
    found: JSON = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def eventually(holds: Callable[[], bool]) -> None:
    """For what a controller does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
