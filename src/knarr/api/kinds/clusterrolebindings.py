"""ClusterRoleBindings: who has a role everywhere."""

from __future__ import annotations

from knarr.api.cells import NAME
from knarr.api.kind import Kind, Version
from knarr.api.rbac import binding_columns
from knarr.machinery.names import path_segment

KIND = Kind(
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    versions=(Version("v1", "io.k8s.api.rbac.v1.ClusterRoleBinding"),),
    group="rbac.authorization.k8s.io",
    namespaced=False,
    name_rule=path_segment,
    columns=(NAME, *binding_columns("clusterRoleBinding")),
)
