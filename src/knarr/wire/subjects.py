"""Whom a client certificate is for, as Kubernetes reads it: the common name is the user, each organization a group.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_UID = "1.3.6.1.4.1.57683.2"  # the subject's attribute that is a user's uid, of the CNCF's numbers


class Subject(msgspec.Struct, frozen=True):
    """What a certificate says of its holder, and when. `fingerprint` is the SHA-256 of it, in hexadecimal."""

    name: str  # empty: no common name, which is no identity
    organizations: tuple[str, ...]
    uid: str
    begins: datetime
    expires: datetime
    client: bool  # it is for clients, too, and says clearly for which
    fingerprint: str

    def good(self, now: datetime) -> bool:
        """Whether a client may show it now."""
        return self.client and self.begins <= now < self.expires


@lru_cache(maxsize=1024)
def subject_of(der: bytes) -> Subject:
    """Remembered, since each request of a connection shows the same bytes."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    certificate = x509.load_der_x509_certificate(der)
    names = [str(found.value) for found in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    uids = [str(found.value) for found in certificate.subject.get_attributes_for_oid(x509.ObjectIdentifier(_UID))]
    return Subject(
        names[-1] if names else "",
        tuple(str(found.value) for found in organizations),
        "".join(uids),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        _is_clients(certificate) and len(uids) < 2 and all(uids),
        hashlib.sha256(der).hexdigest(),
    )


def _is_clients(certificate: Certificate) -> bool:
    """By its extended key usage (RFC 5280, 4.2.1.12), if it has any."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usages = set(certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value)
    except ExtensionNotFound:
        return True
    return not usages.isdisjoint({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})
