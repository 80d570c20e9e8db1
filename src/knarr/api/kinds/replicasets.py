"""ReplicaSets: so many Pods of one template."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, REPLICA_COUNTS, selector, template_columns
from knarr.api.kind import Column, Kind, Scale, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings

KIND = Kind(
    kind="ReplicaSet",
    plural="replicasets",
    versions=(Version("v1", "io.k8s.api.apps.v1.ReplicaSet"),),
    group="apps",
    short_names=("rs",),
    categories=("all",),
    subresources=("scale", "status"),
    scale=Scale(),
    generation=True,
    columns=(
        NAME,
        *REPLICA_COUNTS,
        AGE,
        *template_columns(),
        Column("Selector", selector("spec.selector"), priority=1),
    ),
    fields={"status.replicas": lambda replica_set: str(dig(replica_set, "status.replicas", 0))},
    warnings=template_warnings(),
)
