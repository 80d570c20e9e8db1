"""Certificate signing requests: what is asked for, and the verdict on it.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

VERDICTS = ("Approved", "Denied")
_LASTING = (*VERDICTS, "Failed")


def conditions_of(request: JSON, kind: str) -> list[JSON]:
    return [condition for condition in each(request, "status.conditions") if condition.get("type") == kind]


def stamp(new: JSON, old: JSON | None, now: str) -> None:
    """A condition says when it came, and when it was written last."""
    for condition in each(new, "status.conditions"):
        condition.setdefault("lastUpdateTime", now)
        if "lastTransitionTime" not in condition:
            same = (c for c in conditions_of(old or {}, condition.get("type", "")) if _agree(c, condition))
            condition["lastTransitionTime"] = next((c.get("lastTransitionTime", now) for c in same), now)


def _agree(one: JSON, other: JSON) -> bool:
    return bool(one.get("status") == other.get("status"))


def validate_status(new: JSON, old: JSON) -> Iterable[FieldError]:
    """A signer adds the certificate; the verdict is not its business."""
    yield from _lasting_conditions(new, old, addable=False)
    before = dig(old, "status.certificate")
    if before and dig(new, "status.certificate") != before:
        yield forbidden("status.certificate", "updates may not modify existing certificate content")


def validate_approval(new: JSON, old: JSON) -> Iterable[FieldError]:
    """An approver adds the verdict, once."""
    return _lasting_conditions(new, old, addable=True)


def _lasting_conditions(new: JSON, old: JSON, *, addable: bool) -> Iterable[FieldError]:
    for kind in _LASTING:
        after, before = conditions_of(new, kind), conditions_of(old, kind)
        added = len(after) > len(before)
        if after == before or (added and (addable or kind not in VERDICTS)):
            continue
        what = "add" if added else "remove" if len(after) < len(before) else "modify"
        yield forbidden("status.conditions", f'updates may not {what} a condition of type "{kind}"')


def validate_request(path: str, encoded: str) -> Iterable[FieldError]:
    """A PEM block that holds a PKCS#10 request (RFC 2986)."""
    from cryptography.x509 import load_pem_x509_csr  # here: few requests come, and loading this takes milliseconds

    data = base64.b64decode(encoded)
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in data:
        yield invalid(path, encoded, "PEM block type must be CERTIFICATE REQUEST")
        return
    try:
        load_pem_x509_csr(data)
    except ValueError as error:
        yield invalid(path, encoded, str(error))


def validate_certificate(path: str, encoded: str) -> Iterable[FieldError]:
    """PEM blocks of certificates, at least one; comments may stand between them."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_x509_certificates(base64.b64decode(encoded))
    except ValueError as error:
        yield invalid(path, "<certificate data>", str(error))
