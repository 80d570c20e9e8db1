"""The default roles and bindings as objects, in the order in which they are stored."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.apiserver.authz.defaults import cluster, controllers, namespaced, own
from knarr.apiserver.authz.defaults.notation import Binding, Role
from knarr.apiserver.authz.rules import GROUP

_TABLES = (cluster, controllers, namespaced, own)


def default_objects() -> Iterator[tuple[str, JSON]]:
    """Everything, with the plural of its kind."""
    for table in _TABLES:
        yield from (("roles" if role.namespace else "clusterroles", _role(role)) for role in table.ROLES)
    for table in _TABLES:
        for binding in table.BINDINGS:
            yield "rolebindings" if binding.namespace else "clusterrolebindings", _binding(binding)


def _role(role: Role) -> JSON:
    tree: JSON = _object("Role" if role.namespace else "ClusterRole", role.name, role.namespace)
    if role.joins:
        tree["metadata"]["labels"][_label(role.joins)] = "true"
    if role.gathers:
        tree["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {_label(role.gathers): "true"}}]}
    return {**tree, "rules": role.rules() or None}


def _binding(binding: Binding) -> JSON:
    kind, name = "RoleBinding" if binding.namespace else "ClusterRoleBinding", binding.name or binding.role
    tree = _object(kind, name, binding.namespace)
    tree["roleRef"] = {"apiGroup": GROUP, "kind": binding.kind, "name": binding.role}
    accounts = (account.split("/") for account in binding.accounts)
    subjects = [
        *({"kind": "User", "apiGroup": GROUP, "name": user} for user in binding.users),
        *({"kind": "Group", "apiGroup": GROUP, "name": group} for group in binding.groups),
        *({"kind": "ServiceAccount", "name": name, "namespace": namespace} for namespace, name in accounts),
    ]
    return {**tree, "subjects": subjects} if subjects else tree


def _object(kind: str, name: str, namespace: str) -> JSON:
    metadata: JSON = {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"kind": kind, "apiVersion": f"{GROUP}/v1", "metadata": metadata}


def _label(role: str) -> str:
    return f"rbac.authorization.k8s.io/aggregate-to-{role}"
