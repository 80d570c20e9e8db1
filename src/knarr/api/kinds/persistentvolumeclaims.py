"""PersistentVolumeClaims: what somebody asks of storage."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, UNSET, Cell, text, value
from knarr.api.kind import Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.volumes import access_modes, phase, storage_class


def _bound(cell: Cell) -> Cell:
    """What only a claim with a volume can tell."""
    return lambda claim, now: cell(claim, now) if dig(claim, "spec.volumeName") else ""


KIND = Kind(
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    versions=(Version("v1", "io.k8s.api.core.v1.PersistentVolumeClaim"),),
    short_names=("pvc",),
    subresources=("status",),
    columns=(
        NAME,
        Column("Status", phase),
        Column("Volume", value("spec.volumeName")),
        Column("Capacity", _bound(value("status.capacity.storage"))),
        Column("Access Modes", _bound(access_modes("status.accessModes"))),
        Column("StorageClass", storage_class),
        Column("VolumeAttributesClass", text("spec.volumeAttributesClassName", UNSET)),
        AGE,
        Column("VolumeMode", text("spec.volumeMode", UNSET), priority=1),
    ),
    prepare_create=lambda claim: claim.update(status={"phase": "Pending"}),
)
