"""CSIStorageCapacities: how much space a storage class has left in a part of the cluster (KEP-1472)."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.cells import NAME, UNSET, text, value
from knarr.api.checks import unchanged
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.machinery.fielderrors import FieldError


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    for field in ("nodeTopology", "storageClassName"):
        yield from unchanged(field, new.get(field), old.get(field))


KIND = Kind(
    kind="CSIStorageCapacity",
    plural="csistoragecapacities",
    versions=(Version("v1", "io.k8s.api.storage.v1.CSIStorageCapacity"),),
    group="storage.k8s.io",
    columns=(
        NAME,
        Column("StorageClassName", value("storageClassName")),
        Column("Capacity", text("capacity", UNSET)),
    ),
    validate_update=_validate_update,
)
