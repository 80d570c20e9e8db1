"""What an authorizer is, several of them in turn, and the words of a refusal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.users import MASTERS, User
from knarr.apiserver.info import RequestInfo
from knarr.machinery.errors import Forbidden, aggregate
from knarr.machinery.figures import Count


class Verdict(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


class Decision(msgspec.Struct, frozen=True):
    """A verdict, and why where it is not obvious."""

    verdict: Verdict
    reason: str = ""
    error: str = ""  # why it is no better one: somebody could not be asked


ALLOWED = Decision(Verdict.ALLOW)
NO_OPINION = Decision(Verdict.NO_OPINION)


class Held(msgspec.Struct, frozen=True):
    """The rules (PolicyRules) that a user holds in a namespace; `errors` tells why there may be more, `incomplete` that
    some decide by other things than rules.
    """

    rules: Sequence[JSON] = ()
    errors: Sequence[str] = ()
    incomplete: bool = False

    @property
    def error(self) -> str:
        return aggregate(self.errors)


class Authorizer(ABC):
    """May this user make this request? `counts` are of what it has decided, for who wants to know."""

    counts: Mapping[Verdict, Count] | None = None

    @abstractmethod
    def at_once(self, user: User, info: RequestInfo) -> Decision | None:
        """What there is to say without waiting for anybody; None where somebody else has to be asked."""

    @abstractmethod
    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        """The decision, whatever it takes. Never raises: what failed is the decision's `error`."""

    @abstractmethod
    def held(self, user: User, namespace: str) -> Held:
        """What the user holds there: what `kubectl auth can-i --list` shows, and nobody may give away more."""

    def counted(self, decision: Decision) -> Decision:
        """The decision, which is final."""
        if self.counts:
            self.counts[decision.verdict].n += 1
        return decision

    async def allows(self, user: User, info: RequestInfo) -> bool:
        return (await self.authorize(user, info)).verdict is Verdict.ALLOW


class Local(Authorizer):
    """An authorizer that reads tables and caches, never the network."""

    @abstractmethod
    def at_once(self, user: User, info: RequestInfo) -> Decision: ...

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        return self.at_once(user, info)

    def held(self, user: User, namespace: str) -> Held:
        return Held()


class InTurn(Authorizer):
    """Several authorizers: the first with an opinion decides. `system:masters` may do anything, whatever they say."""

    def __init__(self, *authorizers: Authorizer) -> None:
        self._authorizers = authorizers

    def at_once(self, user: User, info: RequestInfo) -> Decision | None:
        if MASTERS in user.groups:
            return ALLOWED
        undecided = []
        for authorizer in self._authorizers:
            decision = authorizer.at_once(user, info)
            if decision is None:
                return None
            if decision.verdict is not Verdict.NO_OPINION:
                return authorizer.counted(decision)
            if decision is not NO_OPINION:
                undecided.append(decision)
        return _together(undecided) if undecided else NO_OPINION

    async def authorize(self, user: User, info: RequestInfo) -> Decision:
        if MASTERS in user.groups:
            return ALLOWED
        undecided = []
        for authorizer in self._authorizers:
            decision = authorizer.at_once(user, info)
            if decision is None:
                decision = await authorizer.authorize(user, info)
            if decision.verdict is not Verdict.NO_OPINION:
                return authorizer.counted(decision)
            if decision is not NO_OPINION:
                undecided.append(decision)
        return _together(undecided) if undecided else NO_OPINION

    def held(self, user: User, namespace: str) -> Held:
        found = [authorizer.held(user, namespace) for authorizer in self._authorizers]
        return Held(
            [rule for held in found for rule in held.rules],
            [why for held in found for why in held.errors],
            any(held.incomplete for held in found),
        )


def _together(undecided: Sequence[Decision]) -> Decision:
    """Nobody has an opinion: what they all have to say."""
    reasons = "\n".join(decision.reason for decision in undecided if decision.reason)
    return Decision(
        Verdict.NO_OPINION, reasons, aggregate([decision.error for decision in undecided if decision.error])
    )


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
