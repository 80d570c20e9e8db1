"""What strangers send comes to the logs: it forges no line of them, and what is secret never gets there."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authn.users import User
from knarr.wire.messages import Request
from knarr.wire.tls import client_context
from tests.api.access import NS
from tests.api.audits import Log, audited, auditing, policy
from tests.api.front import Running, running

FORGED = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"}'
FIELDS: dict[str, bytes] = {
    "an agent in no encoding": b"User-Agent: \xff\xfe\xc0\xaf\xed\xa0\x80",
    "an agent that colours": b"User-Agent: \x1b[31mred\x1b[0m\x07",
    "an agent of other line ends": "User-Agent: a\u2028b\u2029c\u0085d".encode(),
    "an agent with an event": b"User-Agent: \\n" + FORGED + b"\\u000a",
    "a long agent": b"User-Agent: " + b"a" * 100_000,
    "a name with an event": b"Audit-ID: " + FORGED,
    "a name in no encoding": b"Audit-ID: \xff\xfe",
    "a user with an event": b"Impersonate-User: " + FORGED,
    "a user in no encoding": b"Impersonate-User: \xed\xa0\x80",
    "extra of line ends": b"Impersonate-User: a\r\nImpersonate-Extra-a%0ab: c",
    "an address": b"X-Forwarded-For: " + FORGED + b", 1.2.3.4\\n",
}
TARGETS: dict[str, bytes] = {
    "line ends in a path": b"/version%0a" + FORGED.replace(b'"', b"%22"),
    "line ends in a query": b"/version?a=%0d%0a" + FORGED.replace(b'"', b"%22"),
    "quotes": b'/version?"\\',
    "no encoding": b"/version/\xff\xfe\xc0\xaf",
    "no encoding, escaped": b"/api/v1/namespaces/%ff%fe/pods/%ed%a0%80",
    "line ends in a name": b"/api/v1/namespaces/a%0ab/pods/c%0ad%00",
}


async def _send(front: Running, data: bytes) -> bytes:
    """All that is answered to an administrator."""
    pair = front.authority.issue("kubernetes-admin", "system:masters")
    tls = client_context(front.authority.file, pair.certificate, pair.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(front.url.rpartition(":")[2]), ssl=tls)
    writer.write(data)
    try:
        return await reader.read()
    finally:
        writer.transport.abort()


def _lines(log: Log) -> list[dict[str, Any]]:
    """Each line of the log is an event in JSON and UTF-8, and has no character that a terminal would obey."""
    text = log.path.read_bytes().decode()
    assert not any(ord(character) < 32 for character in text.replace("\n", ""))
    return [json.loads(line) for line in text.split("\n")[:-1]]


async def test_an_event_is_a_line_whatever_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sent = [(b"/version", field) for field in FIELDS.values()] + [(target, b"A: b") for target in TARGETS.values()]
    async with audited(tmp_path, {"level": "Metadata"}, omitStages=["RequestReceived"]) as front:
        log = Log(tmp_path / "audit.log")
        before = len(_lines(log))
        answers = [
            await _send(front, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n" % words)
            for words in sent
        ]
        events = _lines(log)[before:]
    unread = [answer for answer in answers if b"\r\naudit-id: " not in answer]
    assert {answer.partition(b"\r\n")[0] for answer in unread} <= {b"HTTP/1.1 400 Bad Request"}
    assert len(events) == len(sent) - len(unread)
    assert {(event["kind"], event["stage"]) for event in events} == {("Event", "ResponseComplete")}
    said = [record.getMessage() for record in caplog.records]
    assert not [text for text in said if any(ord(character) < 32 for character in text)]


SECRET = "correct-horse-battery-staple"
STATIC = f"{SECRET}-static"


async def test_what_is_secret_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the server's own, whatever is to be told there, nor in the audit log where it is about metadata."""
    caplog.set_level(logging.DEBUG)
    hidden = base64.b64encode(SECRET.encode()).decode()
    wanted, tokens = auditing(tmp_path, policy({"level": "Metadata"})), {STATIC: User("carol")}
    async with running(tmp_path, wanted, tokens=tokens) as front:
        bootstrap = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
        kind = "bootstrap.kubernetes.io/token"
        await front.post(f"{NS}/secrets", {"metadata": {"name": "s"}, "stringData": {"password": SECRET}})
        about = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": kind, "stringData": bootstrap}
        await front.post("/api/v1/namespaces/kube-system/secrets", about)
        issued = (await front.post(f"{NS}/serviceaccounts/default/token", {"spec": {}}))["status"]["token"]
        review = "/apis/authentication.k8s.io/v1/tokenreviews"
        for token in (STATIC, issued, "abcdef.0123456789abcdef", f"{issued}x", f"{SECRET}.bad", "e30.e30.e30" + SECRET):
            await _by(front, authorization=f"Bearer {token}")
            await front.post(review, {"spec": {"token": token}})
        await _by(front, authorization=f"Basic {hidden}")
        await _by(front, authorization=f"Digest {SECRET}")
        carried = base64.urlsafe_b64encode(f"{SECRET}-carried".encode()).decode().rstrip("=")
        await _by(
            front,
            upgrade="websocket",
            connection="upgrade",
            **{"sec-websocket-protocol": f"base64url.bearer.authorization.k8s.io.{carried}, v4.channel.k8s.io"},
        )
        key = front.authority.issue("someone").key.read_text().splitlines()[1]
    told = "\n".join([*(record.getMessage() for record in caplog.records), caplog.text])
    for place in (told, (tmp_path / "audit.log").read_text()):
        for secret in (SECRET, hidden, carried, issued, issued.split(".")[2], "0123456789abcdef", key):
            assert secret not in place


async def _by(front: Running, **fields: str) -> None:
    transport = front.transport(None, **fields)
    try:
        await transport.request(Request("GET", f"{NS}/pods"))
    finally:
        await transport.close()
