"""CertificateSigningRequests: somebody asks for a certificate, somebody approves, a signer signs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from knarr.api.cells import AGE, NAME, NONE, value
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig, each
from knarr.api.verdicts import stamp, validate_status
from knarr.machinery.names import path_segment
from knarr.machinery.times import human_duration


def _duration(request: JSON, now: datetime) -> str:
    seconds = dig(request, "spec.expirationSeconds")
    return NONE if seconds is None else human_duration(seconds)


def _condition(request: JSON, now: datetime) -> str:
    return ",".join(_conditions(request))


def _conditions(request: JSON) -> Iterator[str]:
    types = {condition.get("type") for condition in each(request, "status.conditions")}
    yield next((kind for kind in ("Denied", "Approved") if kind in types), "Pending")
    if "Failed" in types:
        yield "Failed"
    if dig(request, "status.certificate"):
        yield "Issued"


def _prepare_update(new: JSON, old: JSON) -> None:
    """What was asked for is never changed."""
    new["spec"] = old["spec"]


KIND = Kind(
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    versions=(Version("v1", "io.k8s.api.certificates.v1.CertificateSigningRequest"),),
    group="certificates.k8s.io",
    namespaced=False,
    short_names=("csr",),
    subresources=("approval", "status"),
    name_rule=path_segment,
    columns=(
        NAME,
        AGE,
        Column("SignerName", value("spec.signerName")),
        Column("Requestor", value("spec.username")),
        Column("RequestedDuration", _duration, shows="spec.expirationSeconds"),
        Column("Condition", _condition, shows="status.conditions"),
    ),
    fields={"spec.signerName": lambda request: dig(request, "spec.signerName", "")},
    prepare_update=_prepare_update,
    validate_status=validate_status,
    stamp=stamp,
)
