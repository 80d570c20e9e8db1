"""ResourceClaimTemplates: from which each Pod gets a claim of its own (KEP-4381)."""

from __future__ import annotations

from knarr.api.kind import Kind, Version

KIND = Kind(
    kind="ResourceClaimTemplate",
    plural="resourceclaimtemplates",
    versions=(Version("v1", "io.k8s.api.resource.v1.ResourceClaimTemplate"),),
    group="resource.k8s.io",
)
