"""What the audit log says of requests, read back from the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from knarr.wire.messages import Request
from tests.api.audits import Log, audited, plain
from tests.api.certificates import Pair
from tests.api.front import Running

JSON = dict[str, Any]
SECRETS, PODS = "/api/v1/namespaces/default/secrets", "/api/v1/namespaces/default/pods"
ADMIN: JSON = {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}
ALLOWED = {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
BASE: JSON = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "user": ADMIN, "sourceIPs": ["127.0.0.1"]}


async def ask(front: Running, pair: Pair | None, method: str, url: str, body: Any = None, **headers: str) -> JSON:
    path, _, query = url.partition("?")
    given = {"content-type": "application/json", "user-agent": "test", **headers}
    data = b"" if body is None else json.dumps(body).encode()
    transport = front.transport(pair)
    answer = await transport.request(Request(method, path, query, given, data))
    await transport.close()
    return {"status": answer.status, "headers": answer.headers, "body": answer.body}


async def test_metadata_of_a_secret(tmp_path: Path) -> None:
    rules = {"level": "Metadata", "resources": [{"resources": ["secrets"]}]}
    async with audited(tmp_path, rules) as front:
        admin, log = front.authority.issue("kubernetes-admin", "system:masters"), Log(tmp_path / "audit.log")
        body = {"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
        answer = await ask(front, admin, "POST", SECRETS, body)
        assert answer["status"] == 201
        received, complete = log.events()
        event = {
            **BASE,
            "level": "Metadata",
            "requestURI": SECRETS,
            "verb": "create",
            "userAgent": "test",
            "objectRef": {"resource": "secrets", "namespace": "default", "apiVersion": "v1"},
        }
        assert plain(received) == {**event, "stage": "RequestReceived"}
        event["objectRef"]["name"] = "s"
        event["responseStatus"] = {"metadata": {}, "code": 201}
        assert plain(complete) == {**event, "stage": "ResponseComplete", "annotations": ALLOWED}
        assert received["auditID"] == complete["auditID"] == answer["headers"]["audit-id"]
        assert received["requestReceivedTimestamp"] == received["stageTimestamp"] < complete["stageTimestamp"]
        assert "hunter2" not in log.path.read_text()
        assert (await ask(front, admin, "GET", PODS))["status"] == 200  # no rule is about it
        assert len(log.events()) == 2
