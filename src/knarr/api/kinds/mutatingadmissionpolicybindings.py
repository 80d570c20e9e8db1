"""MutatingAdmissionPolicyBindings: which writes a MutatingAdmissionPolicy changes, by which parameters."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, value
from knarr.api.kind import Column, Kind, Version
from knarr.api.policies import PARAM_REF

KIND = Kind(
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    versions=(Version("v1", "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding"),),
    group="admissionregistration.k8s.io",
    namespaced=False,
    categories=("api-extensions",),
    generation=True,
    columns=(NAME, Column("PolicyName", value("spec.policyName")), PARAM_REF, AGE),
)
