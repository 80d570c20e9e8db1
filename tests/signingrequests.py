"""Requests for certificates, as their askers make them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Subject = Sequence[tuple[x509.ObjectIdentifier, str]]


def named(user: str, *groups: str) -> Subject:
    """The subject of a user of these groups."""
    return [*((NameOID.ORGANIZATION_NAME, group) for group in groups), (NameOID.COMMON_NAME, user)]


def request(subject: Subject, *alternatives: str | x509.GeneralName, key: Key | None = None) -> bytes:
    """A request in PEM; alternative names that are texts are addresses, or else names of hosts."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(*pair) for pair in subject])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_alternative, alternatives)), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def _alternative(name: str | x509.GeneralName) -> x509.GeneralName:
    if isinstance(name, x509.GeneralName):
        return name
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def spec(pem: bytes, signer: str, *usages: str, **rest: Any) -> dict[str, Any]:
    """What a CertificateSigningRequest says that asks for it."""
    return {"request": base64.b64encode(pem).decode(), "signerName": signer, "usages": list(usages), **rest}
