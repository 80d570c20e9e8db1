"""What service accounts' tokens say: those that are asked for, bound to objects (KEP-1205), and those of Secrets."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from knarr.api.serviceaccounts import ACCOUNT_CLAIM, LEGACY_ISSUER, NAMESPACE_CLAIM, SECRET_CLAIM, UID_CLAIM
from knarr.apiserver.authn.certificates import CREDENTIAL_ID
from knarr.apiserver.authn.users import User, service_account

_EXTRA = "authentication.kubernetes.io/"


class Bound(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object by name and uid. A Pod's node may have gone, then its name is all that is known."""

    name: str = ""
    uid: str = ""


class Private(msgspec.Struct, frozen=True, omit_defaults=True, rename={"account": "serviceaccount"}):
    """Whose the token is, and what it lives and dies with. From `warnafter` on its use is told of."""

    namespace: str = ""
    account: Bound = msgspec.field(default_factory=Bound)
    node: Bound | None = None
    pod: Bound | None = None
    secret: Bound | None = None
    warnafter: float | None = None


_NAMES = {
    "private": "kubernetes.io",
    "legacy_namespace": NAMESPACE_CLAIM,
    "legacy_secret": SECRET_CLAIM,
    "legacy_account": ACCOUNT_CLAIM,
    "legacy_uid": UID_CLAIM,
}


class Claims(msgspec.Struct, frozen=True, rename=_NAMES):
    """All that is read of a token; times are seconds since 1970."""

    iss: str = ""
    sub: str = ""
    aud: str | list[str] = []
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    jti: str = ""
    private: Private = Private()
    legacy_namespace: str = ""
    legacy_secret: str = ""
    legacy_account: str = ""
    legacy_uid: str = ""

    @property
    def audiences(self) -> Sequence[str]:
        return [self.aud] if isinstance(self.aud, str) else self.aud

    @property
    def is_legacy(self) -> bool:
        return self.iss == LEGACY_ISSUER

    def user(self) -> User:
        """Whose the token is."""
        if self.is_legacy:
            return service_account(self.legacy_namespace, self.legacy_account, self.legacy_uid)
        extra = {CREDENTIAL_ID: (credential(self.jti),)} if self.jti else {}
        for what in ("node", "pod"):
            bound: Bound | None = getattr(self.private, what)
            if bound:
                extra[f"{_EXTRA}{what}-name"] = (bound.name,)
                extra |= {f"{_EXTRA}{what}-uid": (bound.uid,)} if bound.uid else {}
        account = self.private.account
        return service_account(self.private.namespace, account.name, account.uid, extra)


def credential(jti: str) -> str:
    """A token as users' extra fields and the audit log name it."""
    return f"JTI={jti}"


class Header(msgspec.Struct, frozen=True):
    """By which key a token says to be signed."""

    kid: str = ""


class Issued(msgspec.Struct, frozen=True):
    """By whom a token says to be issued."""

    iss: str = ""


T = TypeVar("T")


def unverified(token: str, part: int, view: type[T]) -> T | None:
    """A part of a token that nobody has vouched for; None where it cannot be read."""
    try:
        text = token.split(".")[part]
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=view)
    except (IndexError, ValueError, msgspec.MsgspecError, RecursionError):  # the last for what is nested too deeply
        return None
