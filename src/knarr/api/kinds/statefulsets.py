"""StatefulSets: Pods with names and storage of their own, in order."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, template_columns
from knarr.api.kind import JSON, Column, Kind, Scale, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings


def _ready(stateful_set: JSON, now: datetime) -> str:
    return f"{dig(stateful_set, 'status.readyReplicas', 0)}/{dig(stateful_set, 'spec.replicas', 0)}"


KIND = Kind(
    kind="StatefulSet",
    plural="statefulsets",
    versions=(Version("v1", "io.k8s.api.apps.v1.StatefulSet"),),
    group="apps",
    short_names=("sts",),
    categories=("all",),
    subresources=("scale", "status"),
    scale=Scale(),
    generation=True,
    columns=(NAME, Column("Ready", _ready, description="Number of the pod with ready state"), AGE, *template_columns()),
    warnings=template_warnings(names_pods=False),
)
