"""Authorizers that do not look."""

from __future__ import annotations

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import ALLOWED, Decision, Held, Local, Verdict
from knarr.apiserver.info import RequestInfo

_EVERYTHING = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_NOTHING = Decision(Verdict.NO_OPINION, "Everything is forbidden.")


class AlwaysAllow(Local):
    """For clusters where nobody has to be kept from anything."""

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return ALLOWED

    def held(self, user: User, namespace: str) -> Held:
        return Held(_EVERYTHING)


class AlwaysDeny(Local):
    """For tests. Who comes before it may allow something."""

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return _NOTHING
