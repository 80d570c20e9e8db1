"""The authenticator of other issuers' tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import Identified, InvalidTokenError
from knarr.apiserver.authn.claims import Issued, unverified
from knarr.apiserver.authn.oidc.checking import checked
from knarr.apiserver.authn.oidc.configurations import ALGORITHMS, Foreign, JWTAuthenticator
from knarr.apiserver.authn.oidc.mappings import user_of
from knarr.apiserver.authn.oidc.providers import JWK, Provider
from knarr.apiserver.authn.users import User
from knarr.apiserver.registry import Registry
from knarr.apiserver.reloading import Reloaded
from knarr.machinery.clock import Clock
from knarr.machinery.expiring import Expiring

_REMEMBERED = 4096  # tokens
_GOOD_FOR = 10.0  # seconds that a token is not looked at again
_EARLY = 300.0  # seconds that a token may be used before its time, for clocks that disagree


class _Header(msgspec.Struct):
    alg: str = ""
    kid: str = ""


class IssuerTokens:
    """The tokens of one issuer."""

    def __init__(self, told: JWTAuthenticator, clock: Clock, algorithms: Collection[str] = ALGORITHMS) -> None:
        self._told, self._clock, self._algorithms = told, clock, algorithms
        self._provider = Provider(told.issuer, clock)
        self._known: Expiring[bytes, User] = Expiring(clock, _REMEMBERED)

    async def user(self, token: str) -> User:
        """Whose the token is. Raises InvalidTokenError."""
        key = hashlib.sha256(token.encode()).digest()
        if known := self._known.get(key):
            return known
        claims = await self._claims(token)
        self._check(claims)
        return self._known.put(key, user_of(claims, self._told), _GOOD_FOR)

    async def _claims(self, token: str) -> JSON:
        """What the token says, once its signature is found to be the issuer's. Another look for keys is worth it where
        the issuer has given a new key an old one's name.
        """
        header = unverified(token, 0, _Header)
        if header is None or header.alg not in self._algorithms:
            raise InvalidTokenError("oidc: verify token: oidc: id token signed with unsupported algorithm")
        payload = _payload(token, header.alg, await self._provider.keys(header.kid))
        if payload is None and await self._provider.look():
            payload = _payload(token, header.alg, await self._provider.keys(header.kid))
        if payload is None:
            raise InvalidTokenError(
                "oidc: verify token: failed to verify signature: failed to verify id token signature"
            )
        try:
            return msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise InvalidTokenError(f"oidc: verify token: oidc: failed to unmarshal claims: {error}") from None

    def _check(self, claims: JSON) -> None:
        named, now = claims.get("aud") or [], self._clock.now().timestamp()
        audiences, expected = [named] if isinstance(named, str) else named, self._told.issuer.audiences
        if not isinstance(audiences, list) or not any(audience in expected for audience in audiences):
            text = f"expected audience in {list(expected)} got {audiences}"
            raise InvalidTokenError(f"oidc: verify token: oidc: {text}")
        if now >= _time(claims, "exp", missing=0):
            raise InvalidTokenError("oidc: verify token: oidc: token is expired")
        if now + _EARLY < _time(claims, "nbf", missing=now):
            raise InvalidTokenError("oidc: verify token: oidc: token is not valid yet")


class ForeignTokens:
    """The authenticator of all of them, for our own audiences; `ours` are our own issuers."""

    def __init__(self, told: Foreign, ours: Collection[str], audiences: Sequence[str], registry: Registry) -> None:
        self._clock, self._ours, self._audiences = registry.clock, ours, audiences
        self._believe(told.issuers, told.algorithms)
        self._file: Reloaded | None = None
        if told.file:
            self._file = Reloaded(told.file, self._reload, "authentication", registry.metrics, registry.clock)

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        """Whose the token is; None where no issuer of ours has made it. Raises InvalidTokenError."""
        if self._file:
            self._file.look()
        issued = unverified(token, 1, Issued)
        common = [audience for audience in audiences if audience in self._audiences]
        if issued is None or not common or issued.iss not in self._issuers:
            return None
        return Identified(await self._issuers[issued.iss].user(token), common)

    def _reload(self, text: bytes) -> None:
        """Raises ConfigFileError."""
        self._believe(checked(text, self._ours).jwt)

    def _believe(self, issuers: Sequence[JWTAuthenticator], algorithms: Collection[str] = ALGORITHMS) -> None:
        self._issuers = {told.issuer.url: IssuerTokens(told, self._clock, algorithms) for told in issuers}


def _time(claims: JSON, name: str, missing: float) -> float:
    """A claim of seconds since 1970. Raises InvalidTokenError where it is none."""
    found = claims.get(name)
    if found is None:
        return missing
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidTokenError(f"oidc: verify token: oidc: failed to unmarshal claims: {name} is no time")
    return found


def _payload(token: str, algorithm: str, keys: Sequence[JWK]) -> bytes | None:
    """What the first key that has signed the token vouches for. A key is used with its own algorithm alone."""
    import jwt

    for tree in keys:
        try:
            key = jwt.PyJWK(tree, tree.get("alg") or algorithm)
            found: bytes = jwt.PyJWS().decode(token, key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            continue
        return found
    return None
