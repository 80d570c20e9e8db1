"""Webhooks of a test: HTTPS servers in its process that answer as it says, and remember what they were asked."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import server_context
from tests.api.certificates import Authority

JSON = dict[str, Any]
Reply = Callable[[JSON], Any]  # from the review to its answer: a tree, or an Answer of any kind


@dataclass
class Hook:
    """A running webhook server; `reply` may be changed at any time, and may be a coroutine function."""

    url: str
    port: int
    authority: Authority
    reply: Reply
    asked: list[Request] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    @property
    def bundle(self) -> str:
        return base64.b64encode(self.authority.file.read_bytes()).decode()

    @property
    def reviews(self) -> list[JSON]:
        """What was posted, in order."""
        return [json.loads(request.body) for request in self.asked]

    def config(self, path: str = "/") -> JSON:
        """A `clientConfig` that leads here by URL."""
        return {"url": self.url + path, "caBundle": self.bundle}

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        self.asked.append(request)
        self.peers.append(peer)
        answer = self.reply(json.loads(request.body))
        if hasattr(answer, "__await__"):
            answer = await answer
        if isinstance(answer, dict):
            return Response(200, {"content-type": "application/json"}, json.dumps(answer).encode())
        assert answer is not None
        return answer  # type: ignore[no-any-return]


@asynccontextmanager
async def hook(
    authority: Authority, reply: Reply, *hosts: str, plain: bool = False, client_ca: Path | None = None
) -> AsyncIterator[Hook]:
    """A webhook server on loopback whose certificate has these names too; `plain` does without TLS. With `client_ca`,
    it asks who comes.
    """
    pair = authority.issue("webhook", hosts=hosts)
    found = Hook("", 0, authority, reply)
    server = Server(found, tls=None if plain else server_context(pair.certificate, pair.key, client_ca))
    found.port = await server.listen()
    found.url = f"https://127.0.0.1:{found.port}"
    try:
        yield found
    finally:
        await server.close(grace=0)


def kubeconfig(server: Hook, file: Path, path: str = "/review", **user: str) -> Path:
    """A file that names the server, at a path of its own, and what we show it of ourselves."""
    cluster = {"server": server.url + path, "certificate-authority": str(server.authority.file)}
    tree = {
        "clusters": [{"name": "webhook", "cluster": cluster}],
        "users": [{"name": "us", "user": user}],
        "contexts": [{"name": "webhook", "context": {"cluster": "webhook", "user": "us"}}],
        "current-context": "webhook",
    }
    file.write_text(json.dumps(tree))
    return file


def review_of(review: JSON, **response: Any) -> JSON:
    """The answer to a review: allowed unless told otherwise."""
    return {
        "apiVersion": review["apiVersion"],
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": True, **response},
    }


def allow(review: JSON) -> JSON:
    return review_of(review)


def deny(**status: Any) -> Reply:
    return lambda review: review_of(review, allowed=False, **({"status": status} if status else {}))


def patching(*operations: JSON) -> Reply:
    """Answers with a JSON patch."""
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda review: review_of(review, patch=patch, patchType="JSONPatch")


def rule(resources: str = "configmaps", operations: str = "CREATE", **rest: Any) -> JSON:
    """`*` for groups and versions, unless told otherwise; lists are words."""
    return {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": resources.split(),
        "operations": operations.split(),
        **rest,
    }


def configuration(kind: str, name: str, *webhooks: JSON) -> JSON:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(webhooks),
    }


def webhook(server: Hook, path: str = "/", name: str = "hook.test.io", **fields: Any) -> JSON:
    """One webhook of a configuration, for ConfigMaps that are created unless it has other rules."""
    return {
        "name": name,
        "clientConfig": server.config(path),
        "rules": [rule()],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **fields,
    }
