"""Service accounts' tokens among the bearer tokens: those that name one of our issuers.

Such a token is good while its signature, its time and its audience are, and while what it is bound to is there.
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from knarr.api.kind import JSON
from knarr.api.serviceaccounts import LEGACY_ISSUER
from knarr.apiserver.audit.trails import annotate
from knarr.apiserver.authn.bearers import Identified, InvalidTokenError
from knarr.apiserver.authn.bindings import LEEWAY, check_bound
from knarr.apiserver.authn.claims import Claims, Header, Issued, unverified
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.legacy import LegacyTokens
from knarr.apiserver.authn.users import User
from knarr.apiserver.metrics.accounts import AccountFigures
from knarr.apiserver.registry import Registry
from knarr.machinery.latest import Latest
from knarr.machinery.signing import PublicKey, SignatureError
from knarr.storage.store import StoreError

_REMEMBERED = 4096  # tokens whose signature need not be verified again
_SHORT = 16 * 1024  # characters of those: who may ask for tokens may ask for very long ones
_LEEWAY = LEEWAY.total_seconds()


class _Verified(msgspec.Struct, frozen=True):
    """What the signature vouches for; whether it is still so is asked each time."""

    claims: Claims
    user: User
    audiences: Sequence[str]


class AccountTokens:
    """The authenticator of such tokens. Their signature is verified once, the rest with each request."""

    def __init__(self, registry: Registry, rules: AccountTokenRules) -> None:
        self._registry, self._rules = registry, rules
        self._issuers = {*rules.issuers, LEGACY_ISSUER}
        self._figures = AccountFigures(registry.metrics)
        self._legacy = LegacyTokens(registry, self._figures, rules.looks_up)
        self._known: Latest[str, _Verified] = Latest(_REMEMBERED)

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        """Whose a token is that is for one of the audiences. Raises InvalidTokenError."""
        known = self._known.get(token)
        if known is None:
            issued = unverified(token, 1, Issued)
            if issued is None or issued.iss not in self._issuers:
                return None
            known = self._verify(token)
            if len(token) < _SHORT:
                self._known.put(token, known)
        good_for = _common(known.audiences, audiences)
        if not known.claims.audiences:
            self._figures.legacy.n += 1
            annotate("authentication.k8s.io/legacy-token", known.claims.sub)
        return Identified(known.user, good_for, await self._checked(token, known.claims))

    async def _checked(self, token: str, claims: Claims) -> Sequence[str]:
        """The warnings that its use deserves. What another server has just made may not be in the cache yet."""
        try:
            return await self._check(token, claims)
        except InvalidTokenError:
            if not await self._caught_up():
                raise
        return await self._check(token, claims)

    async def _check(self, token: str, claims: Claims) -> Sequence[str]:
        if claims.is_legacy:
            return await self._legacy.check(token, claims)
        now = self._registry.clock.now()
        _check_time(claims, now.timestamp())
        check_bound(claims.private, self._lookup, now)
        if claims.private.warnafter is not None:
            self._tell_of_age(claims.sub, int(now.timestamp()) - int(claims.private.warnafter))
        return ()

    async def _caught_up(self) -> bool:
        """Wait for the cache; whether it shows more now."""
        before = self._registry.cache.revision
        try:
            return await self._registry.synced() > before
        except StoreError:
            return False

    def _verify(self, token: str) -> _Verified:
        said: list[str] = []
        for key in self._keys(token):
            try:
                claims = msgspec.json.decode(key.payload(token), type=Claims)
            except (SignatureError, msgspec.MsgspecError) as error:
                said.append(str(error))
            else:
                return _Verified(claims, claims.user(), claims.audiences or self._rules.own_audiences)
        raise InvalidTokenError("; ".join(said) or "invalid signature, no keys found")

    def _keys(self, token: str) -> Iterable[PublicKey]:
        """The key that the token names; where it names none, each is tried."""
        keys, header = self._rules.keys.verifying, unverified(token, 0, Header)
        if header is None or not header.kid:
            return keys.values()
        return [keys[header.kid]] if header.kid in keys else ()

    def _tell_of_age(self, subject: str, late: int) -> None:
        if late <= 0:
            self._figures.valid.n += 1
            return
        self._figures.stale.n += 1
        annotate("authentication.k8s.io/stale-token", f"subject: {subject}, seconds after warning threshold: {late}")

    def _lookup(self, plural: str, namespace: str, name: str) -> JSON | None:
        return self._registry.get("", plural, namespace, name)


def _common(named: Sequence[str], audiences: Sequence[str]) -> Sequence[str]:
    if named == audiences:  # mostly they are the same: our own
        return audiences
    common = [audience for audience in audiences if audience in named]
    if not common:
        text = f"token audiences {_quoted(named)} is invalid for the target audiences {_quoted(audiences)}"
        raise InvalidTokenError(text)
    return common


def _quoted(texts: Sequence[str]) -> str:
    return f"[{' '.join(msgspec.json.encode(text).decode() for text in texts)}]"


def _check_time(claims: Claims, now: float) -> None:
    """Upstream grants a minute to clocks that disagree."""
    if claims.nbf is not None and now + _LEEWAY < claims.nbf:
        raise InvalidTokenError("service account token is not valid yet")
    if claims.exp is not None and now - _LEEWAY > claims.exp:
        raise InvalidTokenError("service account token has expired")
    if claims.iat is not None and now + _LEEWAY < claims.iat:
        raise InvalidTokenError("service account token is issued in the future")
