"""PersistentVolumeClaims: what somebody asks of storage."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.cells import AGE, NAME, UNSET, Cell, text, value
from knarr.api.claims import prepare_create, prepare_update, validate_update
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import fractions
from knarr.api.volumes import access_modes, annotation_warnings, phase, storage_class


def _bound(cell: Cell) -> Cell:
    """What only a claim with a volume can tell."""
    return lambda claim, now: cell(claim, now) if dig(claim, "spec.volumeName") else ""


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    yield from annotation_warnings(new, old)
    if old is None or dig(old, "spec.resources") != dig(new, "spec.resources"):
        yield from fractions(dig(new, "spec.resources", {}), "spec.resources")


KIND = Kind(
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    versions=(Version("v1", "io.k8s.api.core.v1.PersistentVolumeClaim"),),
    short_names=("pvc",),
    subresources=("status",),
    columns=(
        NAME,
        Column("Status", phase, shows="status.phase"),
        Column("Volume", value("spec.volumeName")),
        Column("Capacity", _bound(value("status.capacity.storage")), shows="status.capacity"),
        Column("Access Modes", _bound(access_modes("status.accessModes")), shows="status.accessModes"),
        Column("StorageClass", storage_class, description="StorageClass of the pvc"),
        Column(
            "VolumeAttributesClass",
            text("spec.volumeAttributesClassName", UNSET),
            description="VolumeAttributesClass of the pvc",
        ),
        AGE,
        Column("VolumeMode", text("spec.volumeMode", UNSET), priority=1),
    ),
    warnings=_warnings,
    prepare_create=prepare_create,
    prepare_update=prepare_update,
    validate_update=validate_update,
)
