"""ValidatingWebhookConfigurations: servers that are asked before a write and may refuse it."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count
from knarr.api.kind import Column, Kind, Version

KIND = Kind(
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    versions=(Version("v1", "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration"),),
    group="admissionregistration.k8s.io",
    namespaced=False,
    categories=("api-extensions",),
    generation=True,
    columns=(NAME, Column("Webhooks", count("webhooks"), type="integer"), AGE),
)
