"""PodDisruptionBudgets: how many Pods of an application may be evicted at once."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, Cell, value
from knarr.api.kind import Column, Kind, Version
from knarr.api.paths import dig


def _bound(path: str) -> Cell:
    return lambda budget, now: str(dig(budget, path, "N/A"))


KIND = Kind(
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    versions=(Version("v1", "io.k8s.api.policy.v1.PodDisruptionBudget"),),
    group="policy",
    short_names=("pdb",),
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column(
            "Min Available",
            _bound("spec.minAvailable"),
            description="The minimum number of pods that must be available.",
        ),
        Column(
            "Max Unavailable",
            _bound("spec.maxUnavailable"),
            description="The maximum number of pods that may be unavailable.",
        ),
        Column(
            "Allowed Disruptions",
            value("status.disruptionsAllowed", 0),
            type="integer",
            description="Calculated number of pods that may be disrupted at this time.",
        ),
        AGE,
    ),
)
