"""Ingresses: HTTP routes from outside to Services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.cells import AGE, NAME, balancer_addresses, shown, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each

_CLASS = "kubernetes.io/ingress.class"


def _hosts(ingress: JSON, now: datetime) -> str:
    return shown([rule["host"] for rule in each(ingress, "spec.rules") if rule.get("host")], empty="*")


def _prepare_create(ingress: JSON) -> None:
    """No load balancer has it yet; clients count on the field."""
    ingress["status"] = {"loadBalancer": {}}


def _warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    if _CLASS in dig(new, "metadata.annotations", {}) and _CLASS not in dig(old, "metadata.annotations", {}):
        yield f"annotation \"{_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"


KIND = Kind(
    kind="Ingress",
    plural="ingresses",
    versions=(Version("v1", "io.k8s.api.networking.v1.Ingress"),),
    group="networking.k8s.io",
    short_names=("ing",),
    storage_prefix="/registry/ingress",
    subresources=("status",),
    generation=True,
    columns=(
        NAME,
        Column(
            "Class",
            text("spec.ingressClassName"),
            description="The name of the IngressClass resource that should be used for additional configuration",
        ),
        Column("Hosts", _hosts, description="Hosts that incoming requests are matched against before the ingress rule"),
        Column(
            "Address",
            lambda ingress, now: balancer_addresses(ingress),
            description="Address is a list containing ingress points for the load-balancer",
        ),
        Column(
            "Ports",
            lambda ingress, now: "80, 443" if each(ingress, "spec.tls") else "80",
            description="Ports of TLS configurations that open",
        ),
        AGE,
    ),
    prepare_create=_prepare_create,
    warnings=_warnings,
)
