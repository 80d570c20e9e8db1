"""ResourceClaims: devices that somebody asks for, and those that were found (KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.allocations import validate_status
from knarr.api.cells import AGE, NAME
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each


def _states(claim: JSON) -> Iterator[str]:
    deleted, allocated = dig(claim, "metadata.deletionTimestamp"), dig(claim, "status.allocation")
    if deleted:
        yield "deleted"
    if allocated is not None:
        yield "allocated"
        if each(claim, "status.reservedFor"):
            yield "reserved"
    elif not deleted:
        yield "pending"


def _state(claim: JSON, now: datetime) -> str:
    return ",".join(_states(claim))


KIND = Kind(
    kind="ResourceClaim",
    plural="resourceclaims",
    versions=(Version("v1", "io.k8s.api.resource.v1.ResourceClaim"),),
    group="resource.k8s.io",
    subresources=("status",),
    columns=(
        NAME,
        Column("State", _state, description="A summary of the current state (allocated, pending, reserved, etc.)."),
        AGE,
    ),
    validate_status=validate_status,
)
