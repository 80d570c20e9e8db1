"""StorageClasses: how volumes are made on demand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from knarr.api.cells import AGE, NAME, text, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig

_DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def _name(storage_class: JSON, now: datetime) -> str:
    annotations = dig(storage_class, "metadata.annotations", {})
    default = any(annotations.get(name) == "true" for name in _DEFAULT_ANNOTATIONS)
    return f"{dig(storage_class, 'metadata.name', '')}{' (default)' if default else ''}"


KIND = Kind(
    kind="StorageClass",
    plural="storageclasses",
    versions=(Version("v1", "io.k8s.api.storage.v1.StorageClass"),),
    group="storage.k8s.io",
    namespaced=False,
    short_names=("sc",),
    columns=(
        replace(NAME, cell=_name, shows="metadata.name"),
        Column("Provisioner", value("provisioner")),
        Column("ReclaimPolicy", text("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", text("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", value("allowVolumeExpansion", False), type="boolean"),
        AGE,
    ),
)
