"""An authority that signs whatever a test asks it to."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from knarr.kubelet.certificates.pairs import Pair

_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])


def pair(begins: datetime, life: timedelta, *hosts: str) -> Pair:
    """A certificate with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(_NAME, _NAME, key.public_key(), 1, begins, begins + life)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.PEM)
    return Pair(certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read(request: dict[str, Any]) -> x509.CertificateSigningRequest:
    """What a CertificateSigningRequest holds."""
    return x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))


def signed(request: dict[str, Any], begins: datetime, life: timedelta = timedelta(days=365)) -> dict[str, Any]:
    """The status of a request that has been approved and signed."""
    asked = read(request)
    builder = x509.CertificateBuilder(_NAME, asked.subject, asked.public_key(), 1, begins, begins + life)
    for extension in asked.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    certificate = builder.sign(_KEY, hashes.SHA256()).public_bytes(Encoding.PEM)
    return {
        "conditions": [{"type": "Approved", "status": "True", "reason": "x"}],
        "certificate": base64.b64encode(certificate).decode(),
    }
