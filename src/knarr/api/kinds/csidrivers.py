"""CSIDrivers: what a storage driver can do and wants to be told."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, UNSET, flag, joined
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each


def _audiences(driver: JSON, now: datetime) -> str:
    return ",".join(request.get("audience", "") for request in each(driver, "spec.tokenRequests")) or UNSET


KIND = Kind(
    kind="CSIDriver",
    plural="csidrivers",
    versions=(Version("v1", "io.k8s.api.storage.v1.CSIDriver"),),
    group="storage.k8s.io",
    namespaced=False,
    generation=True,
    columns=(
        NAME,
        Column("AttachRequired", flag("spec.attachRequired", default=True), type="boolean"),
        Column("PodInfoOnMount", flag("spec.podInfoOnMount"), type="boolean"),
        Column("StorageCapacity", flag("spec.storageCapacity"), type="boolean"),
        Column("TokenRequests", _audiences),
        Column("RequiresRepublish", flag("spec.requiresRepublish"), type="boolean"),
        Column("Modes", joined("spec.volumeLifecycleModes")),
        AGE,
    ),
)
