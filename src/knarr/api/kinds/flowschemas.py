"""FlowSchemas: which requests belong together, and how important they are."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, text, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import each


def _missing(schema: JSON, now: datetime) -> str:
    """Whether its priority level is missing: what the last look at it said."""
    conditions = each(schema, "status.conditions")
    return str(next((c.get("status", "") for c in conditions if c.get("type") == "Dangling"), "?"))


KIND = Kind(
    kind="FlowSchema",
    plural="flowschemas",
    versions=(Version("v1", "io.k8s.api.flowcontrol.v1.FlowSchema"),),
    group="flowcontrol.apiserver.k8s.io",
    namespaced=False,
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column("PriorityLevel", text("spec.priorityLevelConfiguration.name")),
        Column("MatchingPrecedence", value("spec.matchingPrecedence", 0)),
        Column("DistinguisherMethod", text("spec.distinguisherMethod.type")),
        AGE,
        Column("MissingPL", _missing, description="references a broken or non-existent PriorityLevelConfiguration"),
    ),
)
