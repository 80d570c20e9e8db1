"""Client certificates: the common name is the user, the organizations are its groups.

TLS has verified the chain before; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from knarr.apiserver.authn.users import AUTHENTICATED, User

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate says, and until when."""

    user: User | None  # None: no common name, which is no identity
    expires: datetime


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Certified:
    """The identity in a certificate. Remembered, since each request of a connection shows the same bytes."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    certificate = x509.load_der_x509_certificate(der)
    names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    fingerprint = hashlib.sha256(der).hexdigest()
    user = User(
        names[0] if names else "",
        groups=(*groups, *(() if AUTHENTICATED in groups else (AUTHENTICATED,))),
        extra={CREDENTIAL_ID: (f"X509SHA256={fingerprint}",)},
    )
    return Certified(user if user.name else None, certificate.not_valid_after_utc)
