"""The ways to prove an identity, tried in order: certificate, bearer token, nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from knarr.apiserver.authn.bearers import InvalidTokenError, TokenUnion
from knarr.apiserver.authn.certificates import read_certificate
from knarr.apiserver.authn.users import ANONYMOUS, User
from knarr.machinery.clock import Clock
from knarr.machinery.errors import Unauthorized
from knarr.wire.messages import Peer, Request

log = logging.getLogger(__name__)


class Authenticator:
    """Who sent a request. `tokens` know bearer tokens; such a token must be for one of our own `audiences`."""

    def __init__(self, clock: Clock, tokens: TokenUnion | None = None, audiences: Sequence[str] = ()) -> None:
        self._clock = clock
        self._tokens = tokens or TokenUnion()
        self._audiences = audiences

    async def authenticate(self, request: Request, peer: Peer) -> User:
        """The user; ANONYMOUS where there are no credentials. Raises Unauthorized where there are, but bad ones."""
        if peer.certificate:
            certified = read_certificate(peer.certificate)
            if certified.user and self._clock.now() < certified.expires:
                return certified.user
        credentials = request.headers.get("authorization")
        if credentials:
            return await self._bearer(credentials)
        if peer.certificate:
            raise Unauthorized("Unauthorized")
        return ANONYMOUS

    async def _bearer(self, credentials: str) -> User:
        scheme, _, token = credentials.strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Unauthorized")
        try:
            return (await self._tokens.authenticate(token.strip(), self._audiences)).user
        except InvalidTokenError as error:
            log.info("a bearer token was refused: %s", error)
            raise Unauthorized("Unauthorized") from None
