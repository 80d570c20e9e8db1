"""ResourceSlices: the devices that a driver offers, on one node or on several (KEP-4381)."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, UNSET, text, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each


def _stamp(new: JSON, old: JSON | None, now: str) -> None:
    """A taint that does not say since when is there from now on."""
    for device in each(new, "spec.devices"):
        for taint in each(device, "taints"):
            taint.setdefault("timeAdded", now)


KIND = Kind(
    kind="ResourceSlice",
    plural="resourceslices",
    versions=(Version("v1", "io.k8s.api.resource.v1.ResourceSlice"),),
    group="resource.k8s.io",
    namespaced=False,
    generation=True,
    columns=(
        NAME,
        Column("Node", text("spec.nodeName", UNSET)),
        Column("Driver", value("spec.driver")),
        Column("Pool", value("spec.pool.name")),
        AGE,
    ),
    fields={
        "spec.nodeName": lambda resource_slice: dig(resource_slice, "spec.nodeName", ""),
        "spec.driver": lambda resource_slice: dig(resource_slice, "spec.driver", ""),
    },
    stamp=_stamp,
)
