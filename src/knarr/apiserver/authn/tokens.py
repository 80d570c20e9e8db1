"""The tokens that the server signs for service accounts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from knarr.apiserver.authn.claims import Private
from knarr.apiserver.authn.keys import AccountKeys
from knarr.apiserver.authn.users import account_name
from knarr.machinery.clock import Clock


class TokenIssuer:
    """Signs tokens in the name of `issuer`."""

    def __init__(self, keys: AccountKeys, issuer: str, clock: Clock) -> None:
        self._keys, self._issuer, self._clock = keys, issuer, clock

    def issue(self, private: Private, audiences: Sequence[str], seconds: int) -> tuple[str, str]:
        """A token that lasts so long, and its id (jti)."""
        now, jti = int(self._clock.now().timestamp()), str(uuid.uuid4())
        claims = {
            "aud": list(audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": self._issuer,
            "jti": jti,
            "kubernetes.io": msgspec.to_builtins(private),
            "nbf": now,
            "sub": account_name(private.namespace, private.account.name),
        }
        return self._keys.signing.sign(claims), jti
