"""Client certificates: the common name is the user, the organizations are its groups.

TLS has verified the chain before; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.wire.subjects import subject_of

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate says, and until when."""

    user: User | None  # None: no common name, which is no identity
    expires: datetime


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Certified:
    """The identity in a certificate. Remembered, since each request of a connection shows the same bytes."""
    subject = subject_of(der)
    groups = subject.organizations
    user = User(
        subject.name,
        groups=(*groups, *(() if AUTHENTICATED in groups else (AUTHENTICATED,))),
        extra={CREDENTIAL_ID: (f"X509SHA256={subject.fingerprint}",)},
    )
    return Certified(user if user.name else None, subject.expires)
