"""Service account tokens: signed JWTs bound to an audience, an expiry and, mostly, to a Pod (KEP-1205).

A token is good while its signature, issuer, audience and time are, and while every object it is bound to still exists
with the uid that it had.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.certificates import CREDENTIAL_ID
from knarr.apiserver.authn.users import User, account_name, service_account
from knarr.machinery.clock import Clock
from knarr.machinery.latest import Latest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

Lookup = Callable[[str, str, str], JSON | None]  # (plural of a core resource, namespace, name) to the object

_DELETION_LEEWAY = timedelta(seconds=60)  # a Pod that is shutting down may still speak that long past its deletion
_REMEMBERED = 4096  # tokens whose signature need not be verified again
_EXTRA = "authentication.kubernetes.io/"
_BOUND = {"serviceaccount": "serviceaccounts", "pod": "pods", "secret": "secrets", "node": "nodes"}


@dataclass(frozen=True, slots=True)
class Bound:
    """An object by name and uid."""

    name: str
    uid: str

    def claim(self) -> dict[str, str]:
        return {"name": self.name, "uid": self.uid}


class TokenIssuer:
    """Signs tokens with the RSA key of the PEM text."""

    def __init__(self, private_key: bytes, issuer: str, clock: Clock) -> None:
        self._pem = private_key
        self._issuer = issuer
        self._clock = clock
        self._loaded: tuple[RSAPrivateKey, str] | None = None

    def issue(
        self, namespace: str, account: Bound, audiences: Sequence[str], seconds: int, bound: dict[str, Bound]
    ) -> tuple[str, datetime]:
        """A token and when it expires. `bound` names further objects by claim: pod, node or secret."""
        import jwt

        now = self._clock.now()
        expires = now + timedelta(seconds=seconds)
        claims = {
            "aud": list(audiences),
            "exp": int(expires.timestamp()),
            "iat": int(now.timestamp()),
            "iss": self._issuer,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": account.claim(),
                **{kind: target.claim() for kind, target in bound.items()},
            },
            "nbf": int(now.timestamp()),
            "sub": account_name(namespace, account.name),
        }
        key, key_id = self._key()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id}), expires

    def _key(self) -> tuple[RSAPrivateKey, str]:
        if self._loaded is None:
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            key = load_pem_private_key(self._pem, None)
            if not isinstance(key, RSAPrivateKey):
                raise TypeError("service account tokens are signed with an RSA key")
            self._loaded = key, key_id(key.public_key())
        return self._loaded


class TokenVerifier:
    """Turns tokens into users. `public_keys` are PEM texts: the issuer's and those it had before."""

    def __init__(
        self, public_keys: Sequence[bytes], issuer: str, audiences: Sequence[str], clock: Clock, lookup: Lookup
    ) -> None:
        self._pems = public_keys
        self._issuer = issuer
        self._audiences = list(audiences)
        self._clock = clock
        self._lookup = lookup
        self._keys: dict[str, RSAPublicKey] | None = None
        self._verified: Latest[str, JSON] = Latest(_REMEMBERED)

    def verify(self, token: str, audiences: Sequence[str] | None = None) -> User:
        """The user of a token that is for one of the audiences, the server's own unless given.

        The signature is checked once, what the token is bound to each time. Raises InvalidTokenError.
        """
        claims = self._verified.of(token, lambda: self._check_signature(token))
        self._check_time(claims)
        if not set(_audiences_of(claims)) & set(audiences or self._audiences):
            raise InvalidTokenError("the token is for other audiences")
        private = claims["kubernetes.io"]
        for claim, plural in _BOUND.items():
            if claim in private:
                self._check_bound(plural, private["namespace"], private[claim])
        return _user_of(claims)

    def _check_signature(self, token: str) -> JSON:
        import jwt

        try:
            key_id = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self.public_keys().get(key_id)
            if key is None:
                raise InvalidTokenError(f"no key {key_id!r}")
            claims: JSON = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._issuer,
                options={
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["exp", "sub"],
                },
            )
        except jwt.InvalidTokenError as error:
            raise InvalidTokenError(str(error)) from error
        private = claims.get("kubernetes.io") or {}
        if claims["sub"] != account_name(str(private.get("namespace")), _name_of(private)):
            raise InvalidTokenError("the subject is not the service account of the claims")
        return claims

    def issued(self, token: str) -> bool:
        """Whether a token, good or not, says to be of this issuer."""
        import jwt

        try:
            return bool(jwt.decode(token, options={"verify_signature": False}).get("iss") == self._issuer)
        except jwt.InvalidTokenError:
            return False

    def audiences_of(self, token: str) -> list[str]:
        """For whom a verified token is."""
        return _audiences_of(self._verified.get(token) or {})

    def _check_time(self, claims: JSON) -> None:
        now = self._clock.now().timestamp()
        if now >= claims["exp"]:
            raise InvalidTokenError("the token has expired")
        if now + 1 < claims.get("nbf", 0):
            raise InvalidTokenError("the token is not valid yet")

    def _check_bound(self, plural: str, namespace: str, claim: dict[str, str]) -> None:
        found = self._lookup(plural, "" if plural == "nodes" else namespace, claim["name"])
        metadata = (found or {}).get("metadata", {})
        if metadata.get("uid") != claim["uid"]:
            raise InvalidTokenError(f"{plural} {namespace}/{claim['name']} is gone, or another one now")
        deleted = metadata.get("deletionTimestamp")
        if deleted and datetime.fromisoformat(deleted) + _DELETION_LEEWAY < self._clock.now():
            raise InvalidTokenError(f"{plural} {namespace}/{claim['name']} has been deleted")

    def public_keys(self) -> dict[str, RSAPublicKey]:
        """By the names that tokens give of them."""
        if self._keys is None:
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
            from cryptography.hazmat.primitives.serialization import load_pem_public_key

            keys = [load_pem_public_key(pem) for pem in self._pems]
            self._keys = {key_id(key): key for key in keys if isinstance(key, RSAPublicKey)}
        return self._keys


def key_id(key: RSAPublicKey) -> str:
    """Upstream's name of a key: the hash of its DER form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _audiences_of(claims: JSON) -> list[str]:
    given = claims.get("aud") or []
    return [given] if isinstance(given, str) else list(given)


def _name_of(private: JSON) -> str:
    return str((private.get("serviceaccount") or {}).get("name"))


def _user_of(claims: JSON) -> User:
    private = claims["kubernetes.io"]
    namespace = private["namespace"]
    extra = {CREDENTIAL_ID: (f"JTI={claims['jti']}",)} if "jti" in claims else {}
    for claim in ("node", "pod"):
        if claim in private:
            extra[f"{_EXTRA}{claim}-name"] = (private[claim]["name"],)
            extra[f"{_EXTRA}{claim}-uid"] = (private[claim]["uid"],)
    return service_account(namespace, _name_of(private), private["serviceaccount"]["uid"], extra)
