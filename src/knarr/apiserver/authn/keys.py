"""The keys of service accounts' tokens, and what the server was told about such tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from knarr.machinery.signing import PrivateKey, PublicKey, private_key, public_keys

ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class AccountKeys:
    """PEM texts: the key that signs, and those that verify, which are more while keys are exchanged.

    They are read at their first use: the library for it takes longer to load than the rest of a start.
    """

    private: bytes
    public: Sequence[bytes]

    @cached_property
    def signing(self) -> PrivateKey:
        """Raises KeyFormatError."""
        return private_key(self.private)

    @cached_property
    def verifying(self) -> Mapping[str, PublicKey]:
        """By the names that tokens give of them. Raises KeyFormatError."""
        return {key.id: key for pem in self.public for key in public_keys(pem)}


class AccountTokenRules(msgspec.Struct, frozen=True):
    """How tokens are issued and checked, as upstream's flags say it (cluster/flags/serviceaccounts.py).

    The first issuer is that of new tokens, all are believed; `audiences` are the server's own, its issuers' names if
    there are none. No token is asked to last longer than `longest` seconds, 0 is no bound; `extends` those of kubelets.
    """

    keys: AccountKeys
    issuers: Sequence[str] = (ISSUER,)
    audiences: Sequence[str] = ()
    jwks_uri: str = ""
    longest: int = 0
    extends: bool = True
    looks_up: bool = True  # whether a Secret's token is good only while its Secret and account are there

    @property
    def own_audiences(self) -> Sequence[str]:
        return [*(self.audiences or self.issuers)]
