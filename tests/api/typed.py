"""Clients as Go programs have them, client-go's typed ones as upstream's e2e suite sets them up: protobuf both ways,
patches in JSON, options of a deletion in its body.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from knarr.api import protobuf
from knarr.api.protobuf import wire
from knarr.cluster.config import Config

JSON = dict[str, Any]
PROTOBUF = "application/vnd.kubernetes.protobuf"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
PATIENCE = 30.0  # seconds for an answer, and for each event of a watch
# What client-go makes of an answer without a Status.
NOWHERE: JSON = {"code": 404, "reason": "NotFound", "message": "the server could not find the requested resource"}


class Refused(AssertionError):
    """What a client makes of a Status."""

    def __init__(self, status: JSON) -> None:
        super().__init__(status["message"])
        self.code: int = status["code"]
        self.reason: str = status["reason"]


@dataclass(frozen=True)
class Typed:
    """`headers` are sent with each request: a bearer token, whom to act as. Without a certificate nothing is proved."""

    config: Config
    certificate: tuple[Path, Path] | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def admin(cls, config: Config, *headers: tuple[str, str]) -> Typed:
        return cls(config, (config.pki / "admin.crt", config.pki / "admin.key"), list(headers))

    @classmethod
    def bearer(cls, config: Config, token: str, *headers: tuple[str, str]) -> Typed:
        return cls(config, None, [("authorization", f"Bearer {token}"), *headers])

    def get(self, path: str, **query: str) -> JSON:
        return self.send("GET", path, None, **query)

    def create(self, path: str, api_version: str, kind: str, tree: JSON, **query: str) -> JSON:
        return self.send("POST", path, {"kind": kind, "apiVersion": api_version, **tree}, **query)

    def update(self, path: str, tree: JSON) -> JSON:
        return self.send("PUT", path, tree)

    def patch(self, path: str, patch: JSON, form: str = MERGE) -> JSON:
        return self.send("PATCH", path, patch, form)

    def delete(self, path: str, api_version: str = "v1", **query: str) -> JSON:
        """The options of a deletion are of the group and version of what is deleted."""
        return self.send("DELETE", path, {"kind": "DeleteOptions", "apiVersion": api_version}, **query)

    def send(self, method: str, path: str, tree: JSON | None = None, form: str = PROTOBUF, **query: str) -> JSON:
        """The object of the answer. Raises Refused."""
        with self._asked(method, path, tree, form, query) as answer:
            return _taken(answer)

    @contextmanager
    def watch(self, path: str, **query: str) -> Iterator[Iterator[tuple[str, JSON]]]:
        """The events, as type and object, as they come. Raises Refused."""
        with self._asked("GET", path, None, PROTOBUF, {"watch": "true", **query}) as answer:
            if answer.status != 200:
                _taken(answer)
            yield _events(answer)

    @contextmanager
    def _asked(
        self, method: str, path: str, tree: JSON | None, form: str, query: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        context = ssl.create_default_context(cafile=str(self.config.pki / "ca.crt"))
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        port = self.config.api_port
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=PATIENCE)
        body = b"" if tree is None else protobuf.encode(tree) if form == PROTOBUF else json.dumps(tree).encode()
        connection.putrequest(method, f"{path}?{urlencode(query)}" if query else path)
        given = [("accept", f"{PROTOBUF},application/json"), *self.headers]
        for name, value in given if tree is None else [*given, ("content-type", form)]:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        try:
            yield connection.getresponse()
        finally:
            connection.close()


def event_of(frame: bytes) -> tuple[str, JSON]:
    """The type and the object of a WatchEvent."""
    (_, _, name), (_, _, extension) = wire.fields(frame)
    assert isinstance(name, bytes) and isinstance(extension, bytes)
    ((_, _, raw),) = wire.fields(extension)
    assert isinstance(raw, bytes)
    return name.decode(), protobuf.decode(raw)


def _taken(answer: http.client.HTTPResponse) -> JSON:
    if answer.status == 404 and answer.headers["content-type"].startswith("text/plain"):
        raise Refused(NOWHERE)
    assert answer.headers["content-type"] == PROTOBUF, answer.headers["content-type"]
    tree = protobuf.decode(answer.read())
    if answer.status >= 400:
        raise Refused(tree)
    return tree


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, JSON]]:
    while size := answer.read(4):
        yield event_of(answer.read(int.from_bytes(size, "big")))
