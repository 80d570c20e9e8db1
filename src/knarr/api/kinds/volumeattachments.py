"""VolumeAttachments: which volume is to be attached to which node."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.machinery.fielderrors import FieldError, invalid


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    if new.get("spec") != old.get("spec"):
        yield invalid("spec", new.get("spec"), "field is immutable")


KIND = Kind(
    kind="VolumeAttachment",
    plural="volumeattachments",
    versions=(Version("v1", "io.k8s.api.storage.v1.VolumeAttachment"),),
    group="storage.k8s.io",
    namespaced=False,
    subresources=("status",),
    columns=(
        NAME,
        Column("Attacher", value("spec.attacher"), format="name"),
        Column("PV", value("spec.source.persistentVolumeName")),
        Column("Node", value("spec.nodeName")),
        Column("Attached", value("status.attached", False), type="boolean"),
        AGE,
    ),
    validate_update=_validate_update,
)
