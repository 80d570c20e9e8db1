"""VolumeAttributesClasses: what of a volume may be changed while it is in use (KEP-3751)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig

_DEFAULT_ANNOTATION = "volumeattributesclass.kubernetes.io/is-default-class"


def _name(attributes_class: JSON, now: datetime) -> str:
    default = dig(attributes_class, "metadata.annotations", {}).get(_DEFAULT_ANNOTATION) == "true"
    return f"{dig(attributes_class, 'metadata.name', '')}{' (default)' if default else ''}"


KIND = Kind(
    kind="VolumeAttributesClass",
    plural="volumeattributesclasses",
    versions=(Version("v1", "io.k8s.api.storage.v1.VolumeAttributesClass"),),
    group="storage.k8s.io",
    namespaced=False,
    short_names=("vac",),
    columns=(replace(NAME, cell=_name, shows="metadata.name"), Column("DriverName", value("driverName")), AGE),
)
