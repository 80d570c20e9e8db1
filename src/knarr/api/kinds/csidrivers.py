"""CSIDrivers: what a storage driver can do and wants to be told."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, UNSET, joined, value
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
        Column("AttachRequired", value("spec.attachRequired", True), type="boolean"),
        Column("PodInfoOnMount", value("spec.podInfoOnMount", False), type="boolean"),
        Column("StorageCapacity", value("spec.storageCapacity", False), type="boolean"),
        Column("TokenRequests", _audiences, shows="spec.tokenRequests"),
        Column("RequiresRepublish", value("spec.requiresRepublish", False), type="boolean"),
        Column("Modes", joined("spec.volumeLifecycleModes")),
        AGE,
    ),
)
