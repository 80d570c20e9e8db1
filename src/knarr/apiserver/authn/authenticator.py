"""The ways to prove an identity, tried in order: a front proxy's word, a client certificate, a bearer token, nothing.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from knarr.apiserver.authn.anonymous import ANYBODY, Anonymous
from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.bearers import Identified, InvalidTokenError, RejectedError, TokenUnion
from knarr.apiserver.authn.certificates import read_certificate
from knarr.apiserver.authn.frontproxies import STANDARD, FrontProxies, telling
from knarr.apiserver.authn.sockets import carried
from knarr.apiserver.authn.users import ANONYMOUS, User
from knarr.machinery.clock import Clock
from knarr.machinery.errors import Unauthorized
from knarr.machinery.figures import Spread
from knarr.machinery.remembering import Bounded
from knarr.wire.messages import Peer, Request

log = logging.getLogger(__name__)

_REMEMBERED = 1024  # certificates
_FRESH = 1.0  # seconds in which a certificate is not looked at again: each request of a connection shows the same


class Authenticated(msgspec.Struct, frozen=True):
    """Who sent a request, and the request without what proved it to us alone. `warnings` are for the sender."""

    user: User
    request: Request
    warnings: Sequence[str] = ()


class _Good(msgspec.Struct, frozen=True):
    """A certificate that was found good: whose it is, who vouched, the seconds that were left, and until when (by the
    monotonic clock) that is so without another look.
    """

    user: User
    chain: Sequence[bytes]
    remaining: float
    until: float


class Authenticator:
    """Who sent a request. `tokens` know bearer tokens; such a token must be for one of our own `audiences`.

    `clients` vouch for client certificates: nobody else, where TLS knows others, too. Where `anonymous` does not let
    nobody in, everybody has to be somebody. `remaining` is told for how many seconds each certificate is still good.
    """

    def __init__(
        self,
        clock: Clock,
        tokens: TokenUnion | None = None,
        audiences: Sequence[str] = (),
        *,
        clients: Authorities | None = None,
        proxies: FrontProxies | None = None,
        anonymous: Anonymous = ANYBODY,
        remaining: Spread | None = None,
    ) -> None:
        self._clock = clock
        self._tokens = tokens or TokenUnion()
        self._audiences = audiences
        self._clients = clients
        self._proxies = proxies
        self._told = proxies.fields if proxies else STANDARD
        self._anonymous = anonymous
        self._remaining = remaining or Spread(())
        self._good: Bounded[bytes, _Good] = Bounded(_REMEMBERED)

    async def authenticate(self, request: Request, peer: Peer) -> Authenticated:
        """The user; ANONYMOUS where there are no credentials. Raises RejectedError where there are, but bad ones, and
        Unauthorized where there have to be some.
        """
        fields = telling(request.headers, self._told)
        known = request.without(fields) if fields else request
        if peer.certificate:
            user = (self._proxied(request, peer) if fields else None) or self._certified(peer)
            if user:
                return Authenticated(user, known)
        if credentials := request.headers.get("authorization"):
            return _by(await self._owner(_bearer(credentials)), known)
        if (found := carried(known)) is not None:
            return _by(await self._owner(found.token), found.request)
        if peer.certificate:
            raise RejectedError
        if not self._anonymous.lets_in(request.path):
            raise Unauthorized("Unauthorized")
        return Authenticated(ANONYMOUS, known)

    def _proxied(self, request: Request, peer: Peer) -> User | None:
        proxies = self._proxies
        if proxies is None or not proxies.authorities.vouch_for(peer.chain):
            return None
        shown = read_certificate(peer.certificate or b"")
        if not shown.subject.good(self._clock.now()) or (proxies.names and shown.user.name not in proxies.names):
            return None
        return proxies.fields.user(request)

    def _certified(self, peer: Peer) -> User | None:
        """The user of a certificate; None where it is not good, or says of nobody."""
        der, now = peer.certificate or b"", self._clock.monotonic()
        found = self._good.get(der)
        if found is None or now >= found.until or found.chain != peer.chain:
            found = self._looked_at(der, peer.chain, now)
        if found is None:
            return None
        self._remaining.observe(found.remaining)
        return found.user if found.user.name else None

    def _looked_at(self, der: bytes, chain: Sequence[bytes], now: float) -> _Good | None:
        shown, today = read_certificate(der), self._clock.now()
        vouched = self._clients is None or self._clients.vouch_for(chain)
        if not vouched or not shown.subject.good(today):
            return None
        remaining = (shown.subject.expires - today).total_seconds()
        return self._good.keep(der, _Good(shown.user, chain, remaining, now + min(remaining, _FRESH)))

    async def _owner(self, token: str) -> Identified:
        try:
            return await self._tokens.authenticate(token, self._audiences)
        except InvalidTokenError as error:
            log.info("a bearer token was refused: %s", error)
            raise RejectedError from None


def _by(found: Identified, request: Request) -> Authenticated:
    return Authenticated(found.user, request, found.warnings)


def _bearer(credentials: str) -> str:
    """The token, up to a space. Raises RejectedError for other schemes: who shows credentials does not mean nobody."""
    scheme, _, rest = credentials.strip().partition(" ")
    token = rest.partition(" ")[0]
    if scheme.lower() != "bearer" or not token:
        raise RejectedError
    return token
