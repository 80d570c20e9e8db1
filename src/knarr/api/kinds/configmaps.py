"""ConfigMaps: configuration that is no secret."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME
from knarr.api.kind import JSON, Column, Kind, Version


def _entries(config: JSON, now: datetime) -> int:
    return len(config.get("data") or ()) + len(config.get("binaryData") or ())


KIND = Kind(
    kind="ConfigMap",
    plural="configmaps",
    versions=(Version("v1", "io.k8s.api.core.v1.ConfigMap"),),
    short_names=("cm",),
    columns=(NAME, Column("Data", _entries, shows="data"), AGE),
)
