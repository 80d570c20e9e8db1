"""Bootstrap tokens: what a machine has that is to become a node, kept as Secrets of kube-system.

https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections.abc import Sequence
from datetime import datetime

from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import Identified
from knarr.apiserver.authn.users import User
from knarr.apiserver.registry import Lister
from knarr.machinery.clock import Clock
from knarr.machinery.times import parse_time

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_TYPE = "bootstrap.kubernetes.io/token"
_USER, _BOOTSTRAPPERS = "system:bootstrap:", "system:bootstrappers"
_EXTRA_GROUP = re.compile(rf"{_BOOTSTRAPPERS}:[a-z0-9:-]{{0,255}}[a-z0-9]")


class BootstrapTokens:
    """Tokens of Secrets; they are good for our own audiences. What is wrong with one is said in the log alone."""

    def __init__(self, lister: Lister, clock: Clock, audiences: Sequence[str]) -> None:
        self._lister = lister
        self._clock = clock
        self._audiences = audiences

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        good_for = [audience for audience in audiences if audience in self._audiences]
        match = _TOKEN.fullmatch(token)
        user = self._user(*match.groups()) if match and good_for else None
        return Identified(user, good_for) if user else None

    def _user(self, identity: str, secret: str) -> User | None:
        name = f"bootstrap-token-{identity}"
        found = self._lister.get("", "secrets", "kube-system", name)
        if found is None:
            return None
        data = _texts(found.get("data") or {})
        if why := _wrong_with(found, data, identity, secret, self._clock.now()):
            log.info("Bootstrap secret kube-system/%s matching bearer token %s", name, why)
            return None
        groups = {_BOOTSTRAPPERS, *_extra_groups(data)}
        return User(f"{_USER}{identity}", groups=tuple(sorted(groups)))


def _wrong_with(found: JSON, data: dict[str, str], identity: str, secret: str, now: datetime) -> str:
    """Why the Secret does not make this token good; nothing where it does."""
    if "deletionTimestamp" in found["metadata"]:
        return "is deleted and awaiting removal"
    if found.get("type") != _TYPE:
        return f"has invalid type, expected {_TYPE}."
    if not hmac.compare_digest(data.get("token-secret", "").encode(), secret.encode()):
        return "has invalid value for key token-secret, expected <sensitive>"
    if data.get("token-id") != identity:
        return f"has invalid value for key token-id, expected {identity}."
    if _expired(data.get("expiration", ""), now):
        return "has expired"
    if data.get("usage-bootstrap-authentication") != "true":
        return "not marked usage-bootstrap-authentication."
    bad = [group for group in _extra_groups(data) if not _EXTRA_GROUP.fullmatch(group)]
    return f"has invalid value for key auth-extra-groups: {bad[0]}" if bad else ""


def _extra_groups(data: dict[str, str]) -> list[str]:
    text = data.get("auth-extra-groups", "")
    return text.split(",") if text else []


def _expired(expiration: str, now: datetime) -> bool:
    """Without an expiration a token lasts; what cannot be read is over."""
    if not expiration:
        return False
    try:
        return parse_time(expiration) <= now
    except ValueError:
        return True


def _texts(data: dict[str, str]) -> dict[str, str]:
    """A Secret's data; what is no text is left out."""
    found = {}
    for key, value in data.items():
        try:
            found[key] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found
