"""Requests in anybody's name, and roles and bindings to judge them by."""

from __future__ import annotations

import json
from typing import Any

from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.authz.defaults.notation import rule
from knarr.apiserver.transport import InProcessTransport
from knarr.wire.messages import Request, Response
from tests.api.front import Running

JSON = dict[str, Any]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"
NS = "/api/v1/namespaces/default"
MERGE = "application/merge-patch+json"


class Somebody:
    """A user of the front."""

    def __init__(self, front: Running, name: str, *groups: str) -> None:
        self._transport = InProcessTransport(front.application, User(name, groups=(*groups, AUTHENTICATED)))

    async def send(self, line: str, body: Any = None, content_type: str = "") -> tuple[int, str]:
        """The status of the answer to `GET /path?query`, and the message of a failure."""
        answer = await self.ask(line, body, content_type)
        return answer.status, json.loads(answer.body).get("message", "") if answer.status >= 400 else ""

    async def ask(self, line: str, body: Any = None, content_type: str = "") -> Response:
        method, _, url = line.partition(" ")
        path, _, query = url.partition("?")
        headers = {"content-type": content_type or (MERGE if method == "PATCH" else "application/json")}
        data = b"" if body is None else json.dumps(body).encode()
        return await self._transport.request(Request(method, path, query, headers, data))


async def role(front: Running, name: str, lines: str, namespace: str = "", **metadata: Any) -> None:
    """Create a role with rules in the notation of the default ones."""
    path = f"{RBAC}/namespaces/{namespace}/roles" if namespace else f"{RBAC}/clusterroles"
    rules = [rule(line) for line in lines.splitlines()]
    await front.post(path, {"metadata": {"name": name, **metadata}, "rules": rules})


async def bind(front: Running, kind: str, name: str, *subjects: str, namespace: str = "") -> None:
    """Bind a role, by a binding of its name, to subjects such as `User:bob` and `ServiceAccount:shop/robot`."""
    path = f"{RBAC}/namespaces/{namespace}/rolebindings" if namespace else f"{RBAC}/clusterrolebindings"
    await front.post(path, binding(kind, name, *subjects))


def binding(kind: str, name: str, *subjects: str) -> JSON:
    reference = {"apiGroup": GROUP, "kind": kind, "name": name}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": [_subject(text) for text in subjects]}


def _subject(text: str) -> JSON:
    kind, _, name = text.partition(":")
    if kind != "ServiceAccount":
        return {"kind": kind, "apiGroup": GROUP, "name": name}
    namespace, _, name = name.rpartition("/")
    return {"kind": kind, "name": name, **({"namespace": namespace} if namespace else {})}
