"""PersistentVolumes: storage that outlives Pods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.cells import AGE, NAME, UNSET, text, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.volumes import access_modes, annotation_warnings, phase, storage_class


def _claim(volume: JSON, now: datetime) -> str:
    claim = dig(volume, "spec.claimRef", {})
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    yield from annotation_warnings(new, old)
    policy = "spec.persistentVolumeReclaimPolicy"
    if dig(new, policy) == "Recycle" and dig(old, policy) != "Recycle":
        yield (
            f"{policy}: The Recycle reclaim policy is deprecated. "
            "Instead, the recommended approach is to use dynamic provisioning."
        )


KIND = Kind(
    kind="PersistentVolume",
    plural="persistentvolumes",
    versions=(Version("v1", "io.k8s.api.core.v1.PersistentVolume"),),
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
    columns=(
        NAME,
        Column("Capacity", value("spec.capacity.storage"), shows="spec.capacity"),
        Column("Access Modes", access_modes("spec.accessModes"), shows="spec.accessModes"),
        Column("Reclaim Policy", value("spec.persistentVolumeReclaimPolicy")),
        Column("Status", phase, shows="status.phase"),
        Column("Claim", _claim, shows="spec.claimRef"),
        Column("StorageClass", storage_class, description="StorageClass of the pv"),
        Column(
            "VolumeAttributesClass",
            text("spec.volumeAttributesClassName", UNSET),
            description="VolumeAttributesClass of the pv",
        ),
        Column("Reason", value("status.reason")),
        AGE,
        Column("VolumeMode", text("spec.volumeMode", UNSET), priority=1),
    ),
    warnings=_warnings,
    prepare_create=lambda volume: volume.update(status={"phase": "Pending"}),
)
