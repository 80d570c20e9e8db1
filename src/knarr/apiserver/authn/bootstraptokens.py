"""Bootstrap tokens: what a machine has that is to become a node, kept as Secrets of kube-system.

https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Sequence
from datetime import datetime

from knarr.api.bootstraptokens import NAMESPACE, PREFIX, TOKEN_ID, TOKEN_SECRET, TYPE, remaining, texts
from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import Identified
from knarr.apiserver.authn.users import User
from knarr.apiserver.registry import Lister
from knarr.machinery.clock import Clock

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
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
        name = f"{PREFIX}{identity}"
        found = self._lister.get("", "secrets", NAMESPACE, name)
        if found is None:
            return None
        data = texts(found.get("data") or {})
        if why := _wrong_with(found, data, identity, secret, self._clock.now()):
            log.info("Bootstrap secret kube-system/%s matching bearer token %s", name, why)
            return None
        groups = {_BOOTSTRAPPERS, *_extra_groups(data)}
        return User(f"{_USER}{identity}", groups=tuple(sorted(groups)))


def _wrong_with(found: JSON, data: dict[str, str], identity: str, secret: str, now: datetime) -> str:
    """Why the Secret does not make this token good; nothing where it does."""
    if "deletionTimestamp" in found["metadata"]:
        return "is deleted and awaiting removal"
    if found.get("type") != TYPE:
        return f"has invalid type, expected {TYPE}."
    if not hmac.compare_digest(data.get(TOKEN_SECRET, "").encode(), secret.encode()):
        return "has invalid value for key token-secret, expected <sensitive>"
    if data.get(TOKEN_ID) != identity:
        return f"has invalid value for key token-id, expected {identity}."
    left = remaining(data, now)
    if left is not None and left <= 0:
        return "has expired"
    if data.get("usage-bootstrap-authentication") != "true":
        return "not marked usage-bootstrap-authentication."
    bad = [group for group in _extra_groups(data) if not _EXTRA_GROUP.fullmatch(group)]
    return f"has invalid value for key auth-extra-groups: {bad[0]}" if bad else ""


def _extra_groups(data: dict[str, str]) -> list[str]:
    text = data.get("auth-extra-groups", "")
    return text.split(",") if text else []
