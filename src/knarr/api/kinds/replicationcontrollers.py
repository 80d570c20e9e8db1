"""ReplicationControllers: the ancestor of ReplicaSets; their selector is a plain map."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, REPLICA_COUNTS, labels, template_columns
from knarr.api.kind import Column, Kind, Scale, Version
from knarr.api.paths import dig
from knarr.api.pods.warnings import template_warnings

KIND = Kind(
    kind="ReplicationController",
    plural="replicationcontrollers",
    versions=(Version("v1", "io.k8s.api.core.v1.ReplicationController"),),
    short_names=("rc",),
    categories=("all",),
    storage_prefix="/registry/controllers",
    subresources=("scale", "status"),
    scale=Scale(),
    generation=True,
    orphans=True,
    columns=(
        NAME,
        *REPLICA_COUNTS,
        AGE,
        *template_columns(),
        Column("Selector", labels("spec.selector"), priority=1),
    ),
    fields={"status.replicas": lambda controller: str(dig(controller, "status.replicas", 0))},
    warnings=template_warnings(),
)
