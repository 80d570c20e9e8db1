"""LimitRanges: bounds and defaults for what is created in a namespace."""

from __future__ import annotations

from knarr.api.cells import CREATED_AT, NAME
from knarr.api.kind import Kind, Version

KIND = Kind(
    kind="LimitRange",
    plural="limitranges",
    versions=(Version("v1", "io.k8s.api.core.v1.LimitRange"),),
    short_names=("limits",),
    columns=(NAME, CREATED_AT),
)
