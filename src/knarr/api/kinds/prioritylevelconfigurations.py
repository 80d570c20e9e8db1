"""PriorityLevelConfigurations: how many requests of a level are served at once, and where the others wait."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, NONE, value
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    versions=(Version("v1", "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration"),),
    group="flowcontrol.apiserver.k8s.io",
    namespaced=False,
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column("Type", value("spec.type")),
        Column("NominalConcurrencyShares", value("spec.limited.nominalConcurrencyShares", NONE)),
        Column("Queues", value("spec.limited.limitResponse.queuing.queues", NONE)),
        Column("HandSize", value("spec.limited.limitResponse.queuing.handSize", NONE)),
        Column("QueueLengthLimit", value("spec.limited.limitResponse.queuing.queueLengthLimit", NONE)),
        AGE,
    ),
)
