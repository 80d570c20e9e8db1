"""Bearer tokens: what knows some of them, and several of those in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import structs

from knarr.apiserver.authn.users import User, authenticated
from knarr.machinery.errors import Unauthorized


class InvalidTokenError(Exception):
    """A bearer token that is not good. The text is for the log and for TokenReviews, never for who sent the token."""


class RejectedError(Unauthorized):
    """There are credentials, but bad ones; without any it is a mere Unauthorized."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Identified(msgspec.Struct, frozen=True):
    """Whose a token is, and for which of the audiences that were asked for it is good. The sender gets `warnings`."""

    user: User
    audiences: Sequence[str]
    warnings: Sequence[str] = ()

    def completed(self) -> Identified:
        """With the group that all are in who are known by credentials."""
        user = authenticated(self.user)
        return self if user is self.user else structs.replace(self, user=user)


class TokenAuthenticator(Protocol):
    """Knows tokens of one sort. It suspends for those alone that it cannot judge by what is in memory."""

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        """Whose the token is; None: not of this sort. Raises InvalidTokenError where it is, but not good, or good for
        none of the audiences (never empty).
        """


class TokenUnion:
    """Several in turn: the first to know whose a token is has said it, whatever those before said against it."""

    def __init__(self, *authenticators: TokenAuthenticator) -> None:
        self._authenticators = authenticators

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified:
        """Raises InvalidTokenError, with all that was said, where nobody knows."""
        said = []
        for authenticator in self._authenticators:
            try:
                if identified := await authenticator.authenticate(token, audiences):
                    return identified.completed()
            except InvalidTokenError as error:
                said.append(str(error))
        raise InvalidTokenError(f"[{', '.join(['invalid bearer token', *said])}]" if said else "invalid bearer token")
