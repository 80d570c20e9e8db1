"""Service accounts' tokens among the bearer tokens: those that name our issuer."""

from __future__ import annotations

from collections.abc import Sequence

from knarr.apiserver.authn.bearers import Identified, InvalidTokenError
from knarr.apiserver.authn.tokens import TokenVerifier


class AccountTokens:
    """Asks the verifier first: it remembers what it has verified, and a token of anybody else's is read for its issuer
    only when it has failed.
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        try:
            user = self._verifier.verify(token, audiences)
        except InvalidTokenError:
            if not self._verifier.issued(token):
                return None
            raise
        good_for = self._verifier.audiences_of(token)
        if good_for != audiences:  # mostly they are the same: our own
            good_for = [audience for audience in audiences if audience in good_for]
        return Identified(user, good_for)
