"""Client certificates: the common name is the user, the organizations are its groups.

TLS has verified the chain before; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from knarr.apiserver.authn.users import User, authenticated
from knarr.wire.subjects import Subject, subject_of

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class Certified(NamedTuple):
    """What a certificate says: the user (without a name, it is no identity), and when and of whom it may say so."""

    user: User
    subject: Subject


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Certified:
    """The identity in a certificate. Remembered, since each request of a connection shows the same bytes."""
    subject = subject_of(der)
    extra = {CREDENTIAL_ID: (f"X509SHA256={subject.fingerprint}",)}
    return Certified(authenticated(User(subject.name, subject.uid, subject.organizations, extra)), subject)
