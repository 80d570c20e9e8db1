"""ClusterRoles: what may be done everywhere, or in whichever namespace a RoleBinding says."""

from __future__ import annotations

from knarr.api.cells import CREATED_AT, NAME
from knarr.api.kind import Kind, Version
from knarr.machinery.names import path_segment

KIND = Kind(
    kind="ClusterRole",
    plural="clusterroles",
    versions=(Version("v1", "io.k8s.api.rbac.v1.ClusterRole"),),
    group="rbac.authorization.k8s.io",
    namespaced=False,
    name_rule=path_segment,
    columns=(NAME, CREATED_AT),
)
