"""CertificateSigningRequests: who is to sign what, for how long, and how the verdict is written."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.certificates import validate_certificate, validate_request
from knarr.api.checks import distinct
from knarr.api.conditions import check_conditions
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.api.signers import LEGACY_UNKNOWN
from knarr.api.verdicts import LASTING, VERDICTS
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required
from knarr.machinery.names import dns1123_subdomain

_CERTIFICATES = "io.k8s.api.certificates.v1"
_USAGES = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
    *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel"),
    *("ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"),
    *("server auth", "signing", "timestamping"),
)
_SHORTEST = 600  # seconds
_SIGNER_LENGTH = 571


def _spec(spec: JSON, path: str) -> Iterable[FieldError]:
    if request := spec.get("request"):
        yield from validate_request(f"{path}.request", request)
    yield from distinct(f"{path}.usages", each(spec, "usages"))
    yield from _signer(f"{path}.signerName", spec.get("signerName") or "")
    seconds = spec.get("expirationSeconds", _SHORTEST)
    if seconds < _SHORTEST:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        yield invalid(f"{path}.expirationSeconds", seconds, detail)


def _signer(path: str, name: str) -> Iterable[FieldError]:
    """A domain and a path: `example.com/my-signer`."""
    if name == LEGACY_UNKNOWN:
        yield invalid(path, name, "the legacy signerName is not allowed via this API version")
    if not name:
        return
    domain, slash, rest = name.partition("/")
    if not slash or not rest or "/" in rest:
        yield invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        return
    if "." not in domain:
        yield invalid(path, name, "should be a domain with at least two segments separated by dots")
    yield from (invalid(path, domain, message) for message in dns1123_subdomain(domain))
    yield from (
        invalid(path, segment, f'validating signerName "{name}": {message}')
        for segment in rest.split(".")
        for message in dns1123_subdomain(segment)
    )
    if len(name) > _SIGNER_LENGTH:
        yield invalid(path, name, f"must be no more than {_SIGNER_LENGTH} bytes")


def _status(status: JSON, path: str) -> Iterable[FieldError]:
    conditions = each(status, "conditions")
    yield from check_conditions(f"{path}.conditions", conditions, _condition)
    if {condition.get("type") for condition in conditions}.issuperset(VERDICTS):
        yield invalid(f"{path}.conditions", "Denied", "Approved and Denied conditions are mutually exclusive")
    if certificate := status.get("certificate"):
        yield from validate_certificate(f"{path}.certificate", certificate)


def _condition(path: str, condition: JSON) -> Iterable[FieldError]:
    kind, status = condition.get("type"), condition.get("status")
    if not kind:
        yield required(f"{path}.type")
    if not status:
        yield required(f"{path}.status")
    elif kind in LASTING and status != "True":
        yield not_supported(f"{path}.status", status, ("True",))
    elif status not in ("False", "True", "Unknown"):
        yield not_supported(f"{path}.status", status, ("False", "True", "Unknown"))


RULES = (
    Rules(
        f"{_CERTIFICATES}.CertificateSigningRequestSpec",
        required=("request", "signerName", "usages"),
        enums={"usages": _USAGES},
        validate=_spec,
    ),
    Rules(f"{_CERTIFICATES}.CertificateSigningRequestStatus", validate=_status),
)
