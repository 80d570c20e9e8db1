"""A server of an aggregated API, in the process of a test: flunders of wardle.example.com, like upstream's sample."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from knarr.wire.messages import Answer, Duplex, Peer, Request, Response, Sink, Streaming, Upgrade
from knarr.wire.server import Server
from knarr.wire.tls import server_context
from tests.api.certificates import Authority

JSON = dict[str, Any]
GROUP, VERSION = "wardle.example.com", "v1alpha1"
PATH = f"/apis/{GROUP}/{VERSION}"
NAME = f"{VERSION}.{GROUP}"
SERVICE, NAMESPACE = "wardle", "default"
RESOURCES: JSON = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/{VERSION}",
    "resources": [
        {
            "name": "flunders",
            "singularName": "flunder",
            "namespaced": True,
            "kind": "Flunder",
            "verbs": ["create", "delete", "get", "list", "watch"],
            "shortNames": ["fl"],
        },
        {"name": "flunders/status", "singularName": "", "namespaced": True, "kind": "Flunder", "verbs": ["get"]},
    ],
}


@dataclass
class Backend:
    """Remembers what it was asked; `answers` by path come before its own, at the `slow` ones it never answers."""

    authority: Authority
    port: int = 0
    asked: list[tuple[Request, Peer]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    server: Server | None = None

    def requests(self, path: str) -> list[Request]:
        return [request for request, _ in self.asked if request.path == path]

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        self.asked.append((request, peer))
        if request.path in self.slow:
            await asyncio.sleep(30)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == PATH:
            return json_of(RESOURCES)
        if request.path == f"{PATH}/flunders" and "watch" in request.query:
            return Streaming(_watch, 200, {"content-type": "application/json"})
        if request.path.endswith("/flunders"):
            return json_of({"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": []})
        if request.path.endswith("/shout"):
            return Upgrade(_shout)
        return Response(404, {"content-type": "text/plain"}, b"404 page not found\n")

    def registration(self, **spec: Any) -> JSON:
        bundle = base64.b64encode(self.authority.file.read_bytes()).decode()
        return {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": NAME},
            "spec": {
                "group": GROUP,
                "version": VERSION,
                "groupPriorityMinimum": 2000,
                "versionPriority": 200,
                "service": {"namespace": NAMESPACE, "name": SERVICE, "port": self.port},
                "caBundle": bundle,
                **spec,
            },
        }

    def service(self, **spec: Any) -> JSON:
        """A Service that leads to loopback, which no endpoint may."""
        named = {"type": "ExternalName", "externalName": "localhost"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE}, "spec": spec or named}


def json_of(tree: JSON) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(tree).encode())


async def _watch(sink: Sink) -> None:
    """Two events, a moment apart, and no end."""
    for name in ("a", "b"):
        event = {"type": "ADDED", "object": {"kind": "Flunder", "metadata": {"name": name}}}
        sink.write(json.dumps(event).encode() + b"\n")
        await asyncio.sleep(0.01)
    await asyncio.Event().wait()


async def _shout(duplex: Duplex) -> None:
    while data := await duplex.read():
        await duplex.write(data.upper())


def discovery() -> JSON:
    """The backend's own /apis in the aggregated form."""
    resource = {
        "resource": "flunders",
        "responseKind": {"group": GROUP, "version": VERSION, "kind": "Flunder"},
        "scope": "Namespaced",
        "singularResource": "flunder",
        "verbs": ["get", "list"],
        "shortNames": ["fl"],
    }
    version = {"version": VERSION, "resources": [resource], "freshness": "Current"}
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{"metadata": {"name": GROUP}, "versions": [version]}],
    }


@asynccontextmanager
async def backend(authority: Authority) -> AsyncIterator[Backend]:
    """Listens on loopback; takes clients of the authority, and asks for a certificate."""
    pair = authority.issue("wardle", hosts=(f"{SERVICE}.{NAMESPACE}.svc",))
    found = Backend(authority)
    found.server = Server(found, tls=server_context(pair.certificate, pair.key, authority.file))
    found.port = await found.server.listen()
    try:
        yield found
    finally:
        await found.server.close(grace=0)


def openapi() -> JSON:
    """The backend's /openapi/v2, with a definition that clashes and a path that is none of its business."""
    identity = [{"group": GROUP, "version": VERSION, "kind": "Flunder"}]
    fields = {
        "metadata": {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"},
        "size": {"type": "integer", "description": "How large the flunder is."},
    }
    flunder = {"type": "object", "properties": fields, "x-kubernetes-group-version-kind": identity}
    get = {
        "parameters": [{"name": "limit", "in": "query", "type": "integer", "description": "how many"}],
        "produces": ["application/json"],
        "responses": {"200": {"description": "OK", "schema": {"$ref": "#/definitions/example.Flunder"}}},
        "x-kubernetes-action": "list",
        "x-kubernetes-group-version-kind": identity[0],
    }
    return {
        "swagger": "2.0",
        "info": {"title": "wardle", "version": "v1"},
        "paths": {f"{PATH}/flunders": {"get": get}, "/apis/apps/v1/deployments": {"get": get}},
        "definitions": {
            "example.Flunder": flunder,
            "io.k8s.api.core.v1.Pod": {"type": "string", "description": "another Pod"},
            "example.Unused": {"type": "string"},
        },
    }
