"""Who asks: a client certificate of the cluster, or a bearer token that the API server knows."""

from __future__ import annotations

import hashlib
import logging

import msgspec

from knarr.client.client import Client
from knarr.client.objects import View
from knarr.client.resources import TOKEN_REVIEWS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, Unauthorized
from knarr.machinery.expiring import Expiring
from knarr.wire.messages import Peer, Request
from knarr.wire.subjects import subject_of

log = logging.getLogger(__name__)

_REMEMBERED = 1024  # tokens
_GOOD_FOR = 120.0  # seconds that the answer about a token is good for; authentication.webhook.cacheTTL
_AUTHENTICATED = "system:authenticated"


class Caller(View, frozen=True):
    """An identity as TokenReviews tell it and SubjectAccessReviews ask about it."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}


class _Status(View, frozen=True):
    authenticated: bool = False
    user: Caller = Caller()


class _Review(View, frozen=True):
    status: _Status = msgspec.field(default_factory=_Status)


class Callers:
    """Knows who is at the other end, as the API server would say."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: Expiring[bytes, Caller] = Expiring(clock, _REMEMBERED)

    async def identify(self, request: Request, peer: Peer) -> Caller:
        """The caller. Raises Unauthorized where there are no good credentials, or nobody can say so."""
        if peer.certificate:
            subject = subject_of(peer.certificate)
            if subject.name and self._clock.now() < subject.expires:
                return Caller(username=subject.name, groups=(*subject.organizations, _AUTHENTICATED))
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not (token := token.strip()):
            raise Unauthorized("Unauthorized")
        key = hashlib.sha256(token.encode()).digest()  # no token stays in memory
        if known := self._known.get(key):
            return known
        if caller := await self._review(token):
            return self._known.put(key, caller, _GOOD_FOR)
        raise Unauthorized("Unauthorized")

    async def _review(self, token: str) -> Caller | None:
        """Whose token it is. A refusal is not remembered: the token may be good in a moment."""
        try:
            review = await self._client.create(TOKEN_REVIEWS, {"spec": {"token": token}}, view=_Review)
        except (APIError, ConnectionError, TimeoutError) as error:
            log.warning("the API server cannot say whose token that is: %s", error)
            return None
        return review.status.user if review.status.authenticated else None
