"""ResourceQuotas: how much a namespace may hold in all."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, Cell
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig


def _used(limits: bool) -> Cell:
    """`used/hard` of each resource; those of limits have a column of their own."""

    def cell(quota: JSON, now: datetime) -> str:
        hard, used = dig(quota, "status.hard", {}), dig(quota, "status.used", {})
        listed = [name for name in sorted(hard) if name.startswith("limits.") == limits]
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in listed)

    return cell


_LIMIT = (
    "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node."
)

KIND = Kind(
    kind="ResourceQuota",
    plural="resourcequotas",
    versions=(Version("v1", "io.k8s.api.core.v1.ResourceQuota"),),
    short_names=("quota",),
    subresources=("status",),
    columns=(
        NAME,
        Column(
            "Request",
            _used(limits=False),
            description="Request represents a minimum amount of cpu/memory that a container may consume.",
        ),
        Column(
            "Limit",
            _used(limits=True),
            description=_LIMIT,
        ),
        AGE,
    ),
)
