"""ValidatingAdmissionPolicies: expressions that a write has to satisfy where the policy is bound."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count
from knarr.api.kind import Column, Kind, Version
from knarr.api.policies import PARAM_KIND, annotation_keys

KIND = Kind(
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    versions=(Version("v1", "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy"),),
    group="admissionregistration.k8s.io",
    namespaced=False,
    categories=("api-extensions",),
    subresources=("status",),
    generation=True,
    columns=(NAME, Column("Validations", count("spec.validations"), type="integer"), PARAM_KIND, AGE),
    validate=annotation_keys,
)
