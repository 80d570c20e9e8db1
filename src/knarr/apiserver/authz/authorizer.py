"""What an authorizer is, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.roles import Role
from knarr.apiserver.info import RequestInfo
from knarr.machinery.errors import Forbidden


class Verdict(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and why where it is not obvious."""

    verdict: Verdict
    reason: str = ""


ALLOWED = Decision(Verdict.ALLOW)
NO_OPINION = Decision(Verdict.NO_OPINION)


class Authorizer(Protocol):
    """May this user make this request? Synchronous: it reads tables and caches, never the network."""

    def authorize(self, user: User, info: RequestInfo) -> Decision: ...

    def roles(self, user: User, namespace: str) -> Iterable[Role]:
        """What the user holds there: what `kubectl auth can-i --list` shows."""
        ...


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
