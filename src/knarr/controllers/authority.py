"""An authority signs: of a request it takes the key, the subject and the names, and nothing else.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signer-x509-details
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from knarr.api.certificates import Wanted, alternative_names

if TYPE_CHECKING:
    Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

BACKDATED = timedelta(minutes=5)  # for clocks that disagree
SHORT = timedelta(hours=8)  # a shorter life is given whole, a longer one begins when it is backdated to

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_PURPOSES = {  # in the order in which upstream's certificates have them
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec end system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft sgc": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": ObjectIdentifier("2.16.840.1.113730.4.1"),
}
_SUBJECT = (  # what goes into a certificate, in this order; of common names the last
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
    NameOID.STREET_ADDRESS,
    NameOID.POSTAL_CODE,
    NameOID.COMMON_NAME,
    NameOID.SERIAL_NUMBER,
)
_NAMES = (x509.DNSName, x509.RFC822Name, x509.IPAddress, x509.UniformResourceIdentifier)
# By the bits of a curve.
_HASHES: dict[int, hashes.SHA384 | hashes.SHA512] = {
    384: hashes.SHA384(),
    521: hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> Authority:
        """Both in PEM. Raises ValueError where they are none, or not of each other."""
        certificates = x509.load_pem_x509_certificates(certificate)
        if len(certificates) != 1:
            raise ValueError(f"expected 1 certificate, found {len(certificates)}")
        try:  # to check an RSA key of 4096 bits stops the whole process for 450 ms, and this one is the cluster's own
            loaded = load_pem_private_key(key, None, unsafe_skip_rsa_key_validation=True)
        except (TypeError, UnsupportedAlgorithm) as error:  # encrypted, or of a sort that nobody has
            raise ValueError(str(error)) from None
        if not isinstance(loaded, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
            raise ValueError("the key is none of RSA, ECDSA and Ed25519")
        if loaded.public_key() != certificates[0].public_key():
            raise ValueError("the key is not that of the certificate")
        return cls(certificates[0], loaded)

    def sign(self, wanted: Wanted, usages: Iterable[str], life: timedelta, now: datetime) -> bytes:
        """A certificate in PEM, which does not outlast the authority's own. Raises ValueError where that has ended."""
        ends = self.certificate.not_valid_after_utc
        if now >= ends:
            raise ValueError(f"refusing to sign a certificate that expired in the past: NotAfter={ends}")
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(wanted))
            .issuer_name(self.certificate.subject)
            .public_key(wanted.request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(min(now + (life if life < SHORT else life - BACKDATED), ends))
        )
        for extension, critical in self._extensions(wanted, frozenset(usages)):
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, self._hash()).public_bytes(Encoding.PEM)

    def _extensions(self, wanted: Wanted, usages: frozenset[str]) -> Iterable[tuple[x509.ExtensionType, bool]]:
        """Each with whether it is critical."""
        if uses := {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}:
            yield x509.KeyUsage(**{name: name in uses for name in _KEY_USAGES.values()}), True
        if purposes := dict.fromkeys(purpose for usage, purpose in _PURPOSES.items() if usage in usages):
            yield x509.ExtendedKeyUsage(purposes), False
        yield x509.BasicConstraints(ca=False, path_length=None), True
        if identifier := self._identifier():
            yield identifier, False
        given = alternative_names(wanted.request)
        if names := [name for sort in _NAMES for name in given if isinstance(name, sort)]:
            yield x509.SubjectAlternativeName(names), not list(_subject(wanted))

    def _identifier(self) -> x509.AuthorityKeyIdentifier | None:
        try:
            own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return None
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)

    def _hash(self) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return None
        bits = self.key.curve.key_size if isinstance(self.key, ec.EllipticCurvePrivateKey) else 0
        return _HASHES.get(bits, hashes.SHA256())


def _subject(wanted: Wanted) -> x509.Name:
    """The attributes that a subject usually has; of those of one sort together, as upstream writes them."""
    asked = {oid: wanted.request.subject.get_attributes_for_oid(oid) for oid in _SUBJECT}
    asked[NameOID.COMMON_NAME] = asked[NameOID.COMMON_NAME][-1:]
    return x509.Name([x509.RelativeDistinguishedName(dict.fromkeys(found)) for found in asked.values() if found])
