"""RuntimeClasses: which container runtime handler runs a Pod."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.api.pods.outdated import selector_warnings


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    yield from selector_warnings(dig(new, "scheduling.nodeSelector", {}), "scheduling.nodeSelector")


KIND = Kind(
    kind="RuntimeClass",
    plural="runtimeclasses",
    versions=(Version("v1", "io.k8s.api.node.v1.RuntimeClass"),),
    group="node.k8s.io",
    namespaced=False,
    warnings=_warnings,
    columns=(NAME, Column("Handler", value("handler")), AGE),
)
