"""A namespace of a real cluster, by the administrator's client as Go programs have it; whom else one may be there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from knarr.cluster.config import Config
from tests.api.typed import Refused, Typed
from tests.kubectl import Kubectl

JSON = dict[str, Any]
MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount"
KUBERNETES = "authentication.kubernetes.io"  # what tokens say of their Pods begins with it
AUTHN, RBAC = "authentication.k8s.io", "rbac.authorization.k8s.io"
WHOAMI, REVIEWS = f"/apis/{AUTHN}/v1/selfsubjectreviews", f"/apis/{AUTHN}/v1/tokenreviews"
# What the level `restricted` demands.
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True)
class Place:
    """A namespace, and the administrator's client for it."""

    config: Config
    kubectl: Kubectl

    @property
    def namespace(self) -> str:
        return self.kubectl.namespace

    @property
    def admin(self) -> Typed:
        return Typed.admin(self.config)

    @property
    def node(self) -> str:
        return self.config.node_name

    def path(self, plural: str, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def create(self, kind: str, name: str, **fields: Any) -> JSON:
        return self.admin.create(self.path(f"{kind.lower()}s"), "v1", kind, {"metadata": {"name": name}, **fields})

    def run(self, name: str, image: str = "busybox:1.28", *, security: JSON | None = None, **spec: Any) -> JSON:
        """A Pod that sleeps, and runs when this returns."""
        container: JSON = {"name": "c", "image": image, "command": ["sleep", "3600"]}
        container["securityContext"] = security or {}
        if "volumes" in spec:
            container["volumeMounts"] = [{"name": spec["volumes"][0]["name"], "mountPath": "/it", "readOnly": True}]
        self.create("Pod", name, spec={"containers": [container], "terminationGracePeriodSeconds": 0, **spec})
        self.kubectl.wait("--for=condition=Ready", f"pod/{name}")
        return self.admin.get(self.path("pods", name))

    def read(self, pod: str, path: str) -> str:
        return self.kubectl("exec", f"--namespace={self.namespace}", pod, "-c", "c", "--", "cat", path)

    def token_of(self, account: str) -> str:
        request = {"spec": {"expirationSeconds": 600}}
        path = self.path("serviceaccounts", f"{account}/token")
        token: str = self.admin.create(path, f"{AUTHN}/v1", "TokenRequest", request)["status"]["token"]
        return token

    def bearer(self, token: str, *headers: tuple[str, str]) -> Typed:
        return Typed.bearer(self.config, token, *headers)

    def as_node(self) -> Typed:
        acting = ("impersonate-user", f"system:node:{self.node}"), ("impersonate-group", "system:nodes")
        return Typed.admin(self.config, *acting)

    def may(self, name: str, subject: JSON, *rules: JSON) -> None:
        """Rights in the namespace."""
        path = f"/apis/{RBAC}/v1/namespaces/{self.namespace}"
        metadata = {"name": name}
        self.admin.create(f"{path}/roles", f"{RBAC}/v1", "Role", {"metadata": metadata, "rules": list(rules)})
        reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
        tree = {"metadata": metadata, "roleRef": reference, "subjects": [subject]}
        self.admin.create(f"{path}/rolebindings", f"{RBAC}/v1", "RoleBinding", tree)

    @contextmanager
    def may_everywhere(self, role: str, *rules: JSON, account: str = "default") -> Iterator[None]:
        """Rights of an account in the cluster while this lasts: by a role that is there, or by rules."""
        path, metadata = f"/apis/{RBAC}/v1", {"name": f"{self.namespace}-{role}"}
        if rules:
            role = metadata["name"]
            tree: JSON = {"metadata": metadata, "rules": list(rules)}
            self.admin.create(f"{path}/clusterroles", f"{RBAC}/v1", "ClusterRole", tree)
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
        tree = {"metadata": metadata, "roleRef": reference, "subjects": [self.account(account)]}
        self.admin.create(f"{path}/clusterrolebindings", f"{RBAC}/v1", "ClusterRoleBinding", tree)
        try:
            yield
        finally:
            self.admin.delete(f"{path}/clusterrolebindings/{metadata['name']}", f"{RBAC}/v1")
            if rules:
                self.admin.delete(f"{path}/clusterroles/{role}", f"{RBAC}/v1")

    def account(self, name: str) -> JSON:
        return {"kind": "ServiceAccount", "name": name, "namespace": self.namespace}


def forbidden(client: Typed, method: str, path: str, tree: JSON | None = None, **query: Any) -> str:
    """The refusal's message."""
    return refused(403, "Forbidden", client, method, path, tree, **query)


def refused(code: int, reason: str, client: Typed, method: str, path: str, tree: JSON | None, **query: Any) -> str:
    with pytest.raises(Refused) as refusal:
        client.send(method, path, tree, **query)
    assert (refusal.value.code, refusal.value.reason) == (code, reason)
    return str(refusal.value)
