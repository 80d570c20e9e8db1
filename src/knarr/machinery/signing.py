"""Keys that sign JSON Web Tokens, and those that verify them: RSA and the three NIST curves, as PEM files hold them.

https://www.rfc-editor.org/rfc/rfc7517 (keys), https://www.rfc-editor.org/rfc/rfc7518 (algorithms)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    Verifying = RSAPublicKey | EllipticCurvePublicKey
    Signing = RSAPrivateKey | EllipticCurvePrivateKey

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_SHOWN = ("kty", "crv", "x", "y", "n", "e")


class KeyFormatError(ValueError):
    """PEM text without the keys that were looked for."""


class SignatureError(ValueError):
    """A token that is none, or that the key has not signed."""


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies; `algorithm` is the only one that it is used with, whatever a token's header says."""

    key: Verifying
    algorithm: str

    @cached_property
    def id(self) -> str:
        """Upstream's name of a key: the hash of its DER form."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()

    def payload(self, token: str) -> bytes:
        """What a token says. Raises SignatureError."""
        import jwt

        try:
            payload: bytes = jwt.PyJWS().decode(token, self.key, algorithms=[self.algorithm])
        except jwt.PyJWTError as error:
            raise SignatureError(str(error)) from None
        return payload

    def published(self) -> dict[str, str]:
        """The key as RFC 7517 writes it."""
        from jwt.algorithms import get_default_algorithms

        tree: Mapping[str, Any] = get_default_algorithms()[self.algorithm].to_jwk(self.key, as_dict=True)
        about = {"use": "sig", "kid": self.id, "alg": self.algorithm}
        return {**about, **{name: tree[name] for name in _SHOWN if name in tree}}


@dataclass(frozen=True)
class PrivateKey:
    """A key that signs."""

    key: Signing
    public: PublicKey

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        import jwt

        return jwt.encode(dict(claims), self.key, algorithm=self.public.algorithm, headers={"kid": self.public.id})


def private_key(pem: bytes) -> PrivateKey:
    """The first key of a PEM text. Raises KeyFormatError."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    for kind, block in _blocks(pem):
        if kind.endswith("PRIVATE KEY"):
            try:
                key = load_pem_private_key(block, None)
            except (ValueError, TypeError):  # damaged, or encrypted
                continue
            if public := _public(key.public_key()):
                return PrivateKey(key, public)  # type: ignore[arg-type]  # one whose public part is known
    raise KeyFormatError("data does not contain a valid RSA or ECDSA private key")


def public_keys(pem: bytes) -> list[PublicKey]:
    """Every key of a PEM text: public ones, and those of private keys and certificates. Raises KeyFormatError."""
    found = [key for kind, block in _blocks(pem) if (key := _read(kind, block))]
    if not found:
        raise KeyFormatError("data does not contain any valid RSA or ECDSA public keys")
    return found


def _blocks(pem: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _BLOCK.finditer(pem):
        yield match[1].decode(), match[0]


def _read(kind: str, block: bytes) -> PublicKey | None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    try:
        if kind == "CERTIFICATE":
            return _public(x509.load_pem_x509_certificate(block).public_key())
        if kind.endswith("PRIVATE KEY"):
            return _public(load_pem_private_key(block, None).public_key())
        return _public(load_pem_public_key(block)) if kind.endswith("PUBLIC KEY") else None
    except (ValueError, TypeError):
        return None


def _public(key: object) -> PublicKey | None:
    """None: of a sort that service account tokens are not signed with."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, RSAPublicKey):
        return PublicKey(key, "RS256")
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return PublicKey(key, _CURVES[key.curve.name])
    return None
