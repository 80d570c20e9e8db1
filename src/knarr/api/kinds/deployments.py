"""Deployments: Pods in a wanted number and version, changed without an interruption."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, selector, template_columns, value
from knarr.api.kind import JSON, Column, Kind, Scale, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings


def _ready(deployment: JSON, now: datetime) -> str:
    return f"{dig(deployment, 'status.readyReplicas', 0)}/{dig(deployment, 'spec.replicas', 0)}"


def _counts(new: JSON, old: JSON) -> bool:
    """Annotations count as well: once they said to what a Deployment is to be rolled back."""
    wanted, had = ((tree["spec"], dig(tree, "metadata.annotations", {})) for tree in (new, old))
    return bool(wanted != had)


KIND = Kind(
    kind="Deployment",
    plural="deployments",
    versions=(Version("v1", "io.k8s.api.apps.v1.Deployment"),),
    group="apps",
    short_names=("deploy",),
    categories=("all",),
    subresources=("scale", "status"),
    scale=Scale(),
    generation=True,
    counts=_counts,
    columns=(
        NAME,
        Column("Ready", _ready, description="Number of the pod with ready state"),
        Column("Up-to-date", value("status.updatedReplicas", 0)),
        Column("Available", value("status.availableReplicas", 0)),
        AGE,
        *template_columns(),
        Column("Selector", selector("spec.selector"), priority=1),
    ),
    warnings=template_warnings(),
)
