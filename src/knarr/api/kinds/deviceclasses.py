"""DeviceClasses: sorts of devices that claims may ask for (KEP-4381)."""

from __future__ import annotations

from knarr.api.kind import Kind, Version

KIND = Kind(
    kind="DeviceClass",
    plural="deviceclasses",
    versions=(Version("v1", "io.k8s.api.resource.v1.DeviceClass"),),
    group="resource.k8s.io",
    namespaced=False,
    generation=True,
)
