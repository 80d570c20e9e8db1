"""PodTemplates: templates that stand alone."""

from __future__ import annotations

from dataclasses import replace

from knarr.api.cells import NAME, labels, template_columns
from knarr.api.kind import Column, Kind, Version

_CONTAINERS, _IMAGES = template_columns("template")

KIND = Kind(
    kind="PodTemplate",
    plural="podtemplates",
    versions=(Version("v1", "io.k8s.api.core.v1.PodTemplate"),),
    generation=True,
    columns=(
        NAME,
        replace(_CONTAINERS, priority=0),
        replace(_IMAGES, priority=0),
        Column("Pod Labels", labels("template.metadata.labels")),
    ),
)
