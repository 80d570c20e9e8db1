"""IngressClasses: which controller serves an Ingress."""

from __future__ import annotations

from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig


def _parameters(ingress_class: JSON, now: datetime) -> str:
    reference = dig(ingress_class, "spec.parameters")
    if reference is None:
        return NONE
    group = f".{reference['apiGroup']}" if reference.get("apiGroup") else ""
    return f"{reference.get('kind', '')}{group}/{reference.get('name', '')}"


KIND = Kind(
    kind="IngressClass",
    plural="ingressclasses",
    versions=(Version("v1", "io.k8s.api.networking.v1.IngressClass"),),
    group="networking.k8s.io",
    namespaced=False,
    generation=True,
    columns=(
        NAME,
        Column(
            "Controller", value("spec.controller"), description="Controller that is responsible for handling this class"
        ),
        Column("Parameters", _parameters, description="A reference to a resource with additional parameters"),
        AGE,
    ),
)
