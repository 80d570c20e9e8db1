"""Keys for tests, each made once."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from knarr.apiserver.authn.keys import AccountKeys

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@cache
def keys(name: str, algorithm: str = "ES256") -> AccountKeys:
    """A pair; the same for the same name."""
    curve = CURVES.get(algorithm)
    key = ec.generate_private_key(curve) if curve else rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return AccountKeys(private, (key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),))
