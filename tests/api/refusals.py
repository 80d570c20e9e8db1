"""Requests that a server refuses: sent over TLS to a real process, with a look at what it stores before and after."""

from __future__ import annotations

from typing import Any

from tests.api.processes import Reply, ServerProcess

JSON = dict[str, Any]
REASONS = {
    400: "BadRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    403: "Forbidden",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
}


def pod(**spec: Any) -> JSON:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def container(**fields: Any) -> JSON:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def deployment(**spec: Any) -> JSON:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}}


def service(**spec: Any) -> JSON:
    return {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], **spec}}


def config_map(**fields: Any) -> JSON:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "m"}, **fields}


class Sender:
    """Requests in a namespace of the test's own; each must leave the store as it was."""

    def __init__(self, server: ServerProcess, namespace: str) -> None:
        self.server, self.namespace = server, namespace

    def path(self, resource: str, group: str = "") -> str:
        return f"/{f'apis/{group}' if group else 'api/v1'}/namespaces/{self.namespace}/{resource}"

    def refused(self, method: str, path: str, body: Any = None, content_type: str = "", **headers: str) -> Reply:
        before = self.listed()
        reply = self.server.send(method, path, body, content_type, **headers)
        assert reply.status >= 400, reply.body
        assert self.listed() == before
        return reply

    def listed(self) -> list[Any]:
        """All that is in the namespace; resource versions tell of every write where no controller writes as well."""
        whole = [item for resource in ("services", "configmaps") for item in self._items(self.path(resource))]
        busy = self._items(self.path("pods")) + self._items(self.path("deployments", "apps/v1"))
        return whole + [(item["metadata"]["uid"], item["metadata"].get("labels"), item["spec"]) for item in busy]

    def _items(self, path: str) -> list[JSON]:
        items: list[JSON] = self.server.send("GET", path).json["items"]
        return [item for item in items if item["metadata"]["name"] != "kube-root-ca.crt"]
