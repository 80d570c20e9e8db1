"""The ConfigMap `cluster-info`: where the API server is, and by which authority it is known. Who has a bootstrap token
can tell by its signature (a controller's) that it is true, and trust the server from then on.

Upstream's API server does not make it, kubeadm does, with the same names; it also lets everybody read it, which here is
for the administrator to say. It is born with the cluster and never again: who takes it away means it.
https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from knarr.api.kind import JSON
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, born, key_of, tree_of
from knarr.machinery.times import format_time
from knarr.storage.store import ConflictError, Write

NAMESPACE, NAME, CONTENT = "kube-public", "cluster-info", "kubeconfig"
_RBAC, _ROLE = "rbac.authorization.k8s.io", "kubeadm:bootstrap-signer-clusterinfo"
_KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: {server}
  name: ""
kind: Config
"""  # written here: nobody is to wait until a library for YAML has been loaded


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """What is published. What `follows` is put right later, since the server's address is not for life."""

    server: str  # its URL
    authority: bytes  # in PEM
    follows: bool = False

    def kubeconfig(self) -> str:
        """A kubeconfig without a user."""
        return _KUBECONFIG.format(authority=base64.b64encode(self.authority).decode(), server=self.server)


async def publish(registry: Registry, info: ClusterInfo) -> None:
    """To be called before the cluster's own objects are made: by these a cluster is known that has lived before.

    Raises StoreError.
    """
    kind = registry.find("", "namespaces")
    assert kind is not None
    if registry.entry(kind, "", NAMESPACE) is None:
        await _commit(registry, list(_missing(registry, info)))
    elif info.follows:
        await _commit(registry, list(_outdated(registry, info)))


async def _commit(registry: Registry, writes: list[Write]) -> None:
    try:
        if writes:
            await registry.commit(writes)
    except ConflictError:
        pass  # another server of the cluster is about the same


def _missing(registry: Registry, info: ClusterInfo) -> Iterator[Write]:
    now = format_time(registry.clock.now())
    for group, plural, tree in _objects(info):
        kind = registry.find(group, plural)
        assert kind is not None
        key = key_of(kind, NAMESPACE, tree["metadata"]["name"])
        if registry.cache.get(key) is None:
            yield Write(key, to_stored(born(tree, now)), expected=0)


def _outdated(registry: Registry, info: ClusterInfo) -> Iterator[Write]:
    kind = registry.find("", "configmaps")
    entry = registry.entry(kind, NAMESPACE, NAME) if kind else None
    if entry is None:
        return
    tree = tree_of(entry)
    data = {**(tree.get("data") or {}), CONTENT: info.kubeconfig()}
    if data != tree.get("data"):
        yield Write(entry.key, to_stored({**tree, "data": data}), expected=entry.revision)


def _objects(info: ClusterInfo) -> Iterator[tuple[str, str, JSON]]:
    """Groups, plurals and trees of the ConfigMap, and of the role to read it."""
    yield "", "configmaps", {**_head("v1", "ConfigMap", NAME), "data": {CONTENT: info.kubeconfig()}}
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": [NAME]}
    yield _RBAC, "roles", {**_head(f"{_RBAC}/v1", "Role", _ROLE), "rules": [rule]}


def _head(version: str, kind: str, name: str) -> JSON:
    return {"kind": kind, "apiVersion": version, "metadata": {"name": name, "namespace": NAMESPACE}}
