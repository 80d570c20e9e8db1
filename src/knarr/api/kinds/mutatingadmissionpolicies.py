"""MutatingAdmissionPolicies: expressions that change what is written where the policy is bound."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count
from knarr.api.kind import Column, Kind, Version
from knarr.api.policies import PARAM_KIND

KIND = Kind(
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    versions=(Version("v1", "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy"),),
    group="admissionregistration.k8s.io",
    namespaced=False,
    categories=("api-extensions",),
    generation=True,
    columns=(NAME, Column("Mutations", count("spec.mutations"), type="integer"), PARAM_KIND, AGE),
)
