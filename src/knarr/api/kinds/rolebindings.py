"""RoleBindings: who has a role within a namespace."""

from __future__ import annotations

from knarr.api.cells import NAME
from knarr.api.kind import Kind, Version
from knarr.api.rbac import binding_columns
from knarr.machinery.names import path_segment

KIND = Kind(
    kind="RoleBinding",
    plural="rolebindings",
    versions=(Version("v1", "io.k8s.api.rbac.v1.RoleBinding"),),
    group="rbac.authorization.k8s.io",
    name_rule=path_segment,
    columns=(NAME, *binding_columns("roleBinding")),
)
