"""Roles: what may be done within a namespace."""

from __future__ import annotations

from knarr.api.cells import CREATED_AT, NAME
from knarr.api.kind import Kind, Version
from knarr.machinery.names import path_segment

KIND = Kind(
    kind="Role",
    plural="roles",
    versions=(Version("v1", "io.k8s.api.rbac.v1.Role"),),
    group="rbac.authorization.k8s.io",
    name_rule=path_segment,
    columns=(NAME, CREATED_AT),
)
