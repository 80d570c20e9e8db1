"""DaemonSets: one Pod on every node, or on every one that matches."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, labels, selector, template_columns, value
from knarr.api.kind import Column, Kind, Version
from knarr.api.pods.warnings import template_warnings

KIND = Kind(
    kind="DaemonSet",
    plural="daemonsets",
    versions=(Version("v1", "io.k8s.api.apps.v1.DaemonSet"),),
    group="apps",
    short_names=("ds",),
    categories=("all",),
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column("Desired", value("status.desiredNumberScheduled", 0), type="integer"),
        Column("Current", value("status.currentNumberScheduled", 0), type="integer"),
        Column("Ready", value("status.numberReady", 0), type="integer"),
        Column("Up-to-date", value("status.updatedNumberScheduled", 0), type="integer"),
        Column("Available", value("status.numberAvailable", 0), type="integer"),
        Column("Node Selector", labels("spec.template.spec.nodeSelector")),
        AGE,
        *template_columns(),
        Column("Selector", selector("spec.selector"), priority=1),
    ),
    warnings=template_warnings(names_pods=False),
)
