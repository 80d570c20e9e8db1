"""Tokens that a webhook reviews, which a kubeconfig file names.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from knarr.apiserver.authn.bearers import Identified, InvalidTokenError
from knarr.apiserver.authn.users import User, authenticated
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.outbound.calls import CallError
from knarr.apiserver.outbound.remotes import Remote
from knarr.client.kubeconfig import KubeconfigError
from knarr.machinery.clock import Clock
from knarr.machinery.expiring import Expiring

log = logging.getLogger(__name__)

_REMEMBERED = 4096  # answers
_PATIENCE = 30.0  # real seconds for one call


class _User(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str] | None] | None = None


class _Status(msgspec.Struct):
    authenticated: bool = False
    user: _User = msgspec.field(default_factory=_User)
    audiences: list[str] | None = None
    error: str = ""


class _Review(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


@dataclass(frozen=True, slots=True)
class TokenWebhook:
    """A webhook that knows tokens: the file that names it, and the version of the reviews that it is sent. What it
    answers is good for so many `seconds`.
    """

    file: Path
    version: str = "v1beta1"
    seconds: float = 120.0


class WebhookTokens:
    """Asks the webhook; `ours` are our own audiences. Raises ConfigFileError where the file names none."""

    def __init__(self, told: TokenWebhook, ours: Sequence[str], clock: Clock) -> None:
        try:
            self._webhook = Remote(told.file, clock)
        except KubeconfigError as error:
            raise ConfigFileError(f"the webhook that knows tokens cannot be asked: {error}") from None
        self._version, self._seconds, self._ours = told.version, told.seconds, ours
        self._known: Expiring[tuple[bytes, tuple[str, ...]], _Status] = Expiring(clock, _REMEMBERED)

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        """Whose the webhook says the token is. Raises InvalidTokenError where it says why it is nobody's, or cannot be
        asked.
        """
        key = (hashlib.sha256(token.encode()).digest(), tuple(audiences))
        status = self._known.get(key)
        if status is None:
            status = self._known.put(key, await self._ask(token, audiences), self._seconds)
        if not status.authenticated:
            if status.error:
                raise InvalidTokenError(status.error)
            return None
        known = status.audiences or self._ours  # a webhook that says none knows nothing of audiences
        if common := [audience for audience in audiences if audience in known]:
            return Identified(_user(status.user), common)
        return None

    def close(self) -> None:
        """Keep no connection any more."""
        self._webhook.close()

    async def _ask(self, token: str, audiences: Sequence[str]) -> _Status:
        version = f"authentication.k8s.io/{self._version}"
        spec = {"token": token, "audiences": audiences}
        review = {"kind": "TokenReview", "apiVersion": version, "metadata": {}, "spec": spec}
        try:
            answer = await self._webhook.call(msgspec.json.encode(review), _PATIENCE)
            return msgspec.json.decode(answer, type=_Review).status
        except (CallError, msgspec.MsgspecError) as error:
            log.warning("the webhook authenticator cannot be asked: %s", error)
            raise InvalidTokenError(str(error)) from None


def _user(told: _User) -> User:
    groups = tuple(dict.fromkeys(told.groups or ()))
    extra = {key: tuple(values or ()) for key, values in (told.extra or {}).items()}
    return authenticated(User(told.username, told.uid, groups, extra))
