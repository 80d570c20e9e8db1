"""What an authorizer is, several of them in turn, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.users import MASTERS, User
from knarr.apiserver.info import RequestInfo
from knarr.machinery.errors import Forbidden


class Verdict(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


class Decision(msgspec.Struct, frozen=True):
    """A verdict, and why where it is not obvious."""

    verdict: Verdict
    reason: str = ""


ALLOWED = Decision(Verdict.ALLOW)
NO_OPINION = Decision(Verdict.NO_OPINION)


class Held(msgspec.Struct, frozen=True):
    """The rules (PolicyRules) that a user holds in a namespace; `errors` tells why there may be more."""

    rules: Sequence[JSON] = ()
    errors: Sequence[str] = ()

    @property
    def error(self) -> str:
        return joined(self.errors)


class Authorizer(Protocol):
    """May this user make this request? Synchronous: it reads tables and caches, never the network."""

    def authorize(self, user: User, info: RequestInfo) -> Decision: ...

    def held(self, user: User, namespace: str) -> Held:
        """What the user holds there: what `kubectl auth can-i --list` shows, and nobody may give away more."""
        ...


class InTurn:
    """Several authorizers: the first with an opinion decides. `system:masters` may do anything, whatever they say."""

    def __init__(self, *authorizers: Authorizer) -> None:
        self._authorizers = authorizers

    def authorize(self, user: User, info: RequestInfo) -> Decision:
        if MASTERS in user.groups:
            return ALLOWED
        reasons = []
        for authorizer in self._authorizers:
            decision = authorizer.authorize(user, info)
            if decision.verdict is not Verdict.NO_OPINION:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(Verdict.NO_OPINION, "\n".join(reasons)) if reasons else NO_OPINION

    def held(self, user: User, namespace: str) -> Held:
        found = [authorizer.held(user, namespace) for authorizer in self._authorizers]
        return Held([rule for held in found for rule in held.rules], [why for held in found for why in held.errors])


def joined(errors: Sequence[str]) -> str:
    """Errors as upstream makes one of them."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]" if errors else ""


def forbidden(user: User, info: RequestInfo, reason: str = "") -> Forbidden:
    """The refusal, in upstream's words."""
    text = _wording(user, info) + (f": {reason}" if reason else "")
    if not info.is_resource:
        return Forbidden(f"forbidden: {text}")
    subject = f'{info.qualified_resource} "{info.name}"' if info.name else info.qualified_resource
    return Forbidden(f"{subject} is forbidden: {text}", kind=info.resource, name=info.name, group=info.group)


def _wording(user: User, info: RequestInfo) -> str:
    if not info.is_resource:
        return f'User "{user.name}" cannot {info.verb} path "{info.path}"'
    resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    where = f'in the namespace "{info.namespace}"' if info.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {info.verb} resource "{resource}" in API group "{info.group}" {where}'
