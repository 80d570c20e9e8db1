"""Whom a client certificate is for, as Kubernetes reads it: the common name is the user, each organization a group.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate says of its holder, and until when. `fingerprint` is the SHA-256 of it, in hexadecimal."""

    name: str  # empty: no common name, which is no identity
    organizations: tuple[str, ...]
    expires: datetime
    fingerprint: str


@lru_cache(maxsize=1024)
def subject_of(der: bytes) -> Subject:
    """Remembered, since each request of a connection shows the same bytes."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    certificate = x509.load_der_x509_certificate(der)
    names = [str(found.value) for found in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Subject(
        names[0] if names else "",
        tuple(str(found.value) for found in organizations),
        certificate.not_valid_after_utc,
        hashlib.sha256(der).hexdigest(),
    )
