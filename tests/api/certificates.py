"""A certificate authority for one test."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Pair:
    certificate: Path
    key: Path


class Authority:
    """One that vouches for itself, or one that another vouches for: then its clients show its certificate, too."""

    def __init__(self, directory: Path, name: str = "ca", above: Authority | None = None) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = above or self
        builder = signer._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = x509.KeyUsage(*[flag in (5, 6) for flag in range(9)])
        self.file = directory / f"{name}.crt"
        certificate = builder.add_extension(usage, critical=True).sign(signer._key, hashes.SHA256())
        self._shown: bytes = certificate.public_bytes(serialization.Encoding.PEM) + above._shown if above else b""
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    @classmethod
    def found(cls, directory: Path, certificate: Path, key: Path) -> Authority:
        """One that is there already; what it issues goes to `directory`."""
        authority = cls(directory, "unused")
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        authority._key = loaded
        own = x509.load_pem_x509_certificate(certificate.read_bytes())
        authority._name, authority._shown = own.subject, b"" if own.subject == own.issuer else certificate.read_bytes()
        authority.file = certificate
        return authority

    @property
    def key_pem(self) -> str:
        """Its key."""
        return _pem(self._key).decode()

    def issue(
        self,
        name: str,
        *groups: str,
        lasts: tuple[float, float] = (-300, 3600),
        hosts: Sequence[str] = (),
        usages: Sequence[x509.ObjectIdentifier] = (),
        uids: Sequence[str] = (),
    ) -> Pair:
        """A pair for a client of this name (or none) and groups, or a server on loopback or of these host names.

        `lasts`: seconds from now. `usages`: all that it is for, or none for anything.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        called = [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
        uid = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
        subject = x509.Name([*organizations, *called, *(x509.NameAttribute(uid, value) for value in uids)])
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        served = x509.SubjectAlternativeName([loopback, *map(x509.DNSName, hosts)])
        builder = self._builder(subject, key, lasts).add_extension(served, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pair = Pair(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + self._shown)
        pair.key.write_bytes(_pem(key))
        return pair

    def pem(self) -> tuple[str, str]:
        """Its certificate and its key."""
        return self.file.read_text(), _pem(self._key).decode()

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: tuple[float, float] = (-300, 3600)
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now + timedelta(seconds=lasts[0]),
            not_valid_after=now + timedelta(seconds=lasts[1]),
        )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    pkcs8, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, encryption)
