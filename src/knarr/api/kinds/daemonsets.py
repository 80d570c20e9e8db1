"""DaemonSets: one Pod on every node, or on every one that matches."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, labels, selector, template_columns, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings

_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"  # clients of old versions count on it


def _number_template(daemon_set: JSON, number: str) -> None:
    metadata = daemon_set["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), _TEMPLATE_GENERATION: number}


def _prepare_create(daemon_set: JSON) -> None:
    _number_template(daemon_set, "1")


def _prepare_update(new: JSON, old: JSON) -> None:
    known = dig(old, "metadata.annotations", {}).get(_TEMPLATE_GENERATION, "1")
    number = int(known) if known.isascii() and known.isdigit() else 1
    changed = dig(new, "spec.template") != dig(old, "spec.template")
    _number_template(new, str(number + changed))


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
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    warnings=template_warnings(names_pods=False),
)
