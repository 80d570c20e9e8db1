"""Who may act as whom: by the verb `impersonate`, for whatever the other may, or by those of constrained impersonation
(KEP-5284), for some requests alone.

Constrained, it takes two rights: to be somebody (`impersonate:user-info` on the user, its groups ...), and to do as
somebody else what the request does (`impersonate-on:user-info:list` on pods). The narrower right is asked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from msgspec.structs import replace as changed

from knarr.api.checks import domain_prefixed_path
from knarr.apiserver.authn.users import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    NODE_NAME,
    NODE_PREFIX,
    NODES,
    UNAUTHENTICATED,
    User,
    account_groups,
    account_of,
)
from knarr.apiserver.authz.authorizer import Authorizer, Decision, Verdict, forbidden
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.metrics.impersonation import ImpersonationFigures
from knarr.machinery.errors import Forbidden
from knarr.machinery.latest import Latest
from knarr.machinery.names import dns1123_subdomain

_GROUP = "authentication.k8s.io"
_MANY = 4  # values of groups or extra; who asks for so many may have the right to all
_REMEMBERED = 1024  # users whose last successful mode is known
_KEYS = "authentication.kubernetes.io/associated-node-keys"


class Impersonated(NamedTuple):
    """Whom a request is made as, and the verb of constrained impersonation that allowed it."""

    user: User
    constraint: str = ""


class Mode(NamedTuple):
    """One way to be allowed. `applies` is told who is wanted and who asks; without a name it is the old way."""

    name: str
    applies: Callable[[User, User], bool]

    @property
    def verb(self) -> str:
        return f"impersonate:{self.name}" if self.name else "impersonate"

    @property
    def group(self) -> str:
        """That of users, groups and service accounts."""
        return _GROUP if self.name else ""


def _is_own_node(wanted: User, asking: User) -> bool:
    """A service account whose token is bound to the node."""
    bound = asking.extra.get(NODE_NAME, ())
    return _is_node(wanted, asking) and account_of(asking.name) is not None and bound == (_node(wanted.name),)


def _is_node(wanted: User, asking: User) -> bool:
    return _bare(wanted) and _node(wanted.name) is not None


def _is_account(wanted: User, asking: User) -> bool:
    return _bare(wanted) and account_of(wanted.name) is not None


def _is_person(wanted: User, asking: User) -> bool:
    return _node(wanted.name) is None and account_of(wanted.name) is None


ASSOCIATED = Mode("associated-node", _is_own_node)
MODES = (
    ASSOCIATED,
    Mode("arbitrary-node", _is_node),
    Mode("serviceaccount", _is_account),
    Mode("user-info", _is_person),
    Mode("", lambda wanted, asking: True),
)


class Impersonation:
    """Decides by an authorizer."""

    def __init__(self, authorizer: Authorizer, figures: ImpersonationFigures) -> None:
        self._authorizer = authorizer
        self._figures = figures
        self._last: Latest[str, Mode] = Latest(_REMEMBERED)

    async def act(self, asking: User, wanted: User, info: RequestInfo) -> Impersonated:
        """Who it is that the request is made as. Raises Forbidden, with what was said first against it."""
        started = self._figures.now()
        try:
            mode = await self._mode(asking, wanted, info)
        except Forbidden:
            self._figures.attempted(None, started)
            raise
        self._figures.attempted(mode.name, started)
        self._last.put(asking.name, mode)
        return Impersonated(_complete(mode, wanted), mode.verb if mode.name else "")

    async def _mode(self, asking: User, wanted: User, info: RequestInfo) -> Mode:
        """The first mode that allows it, beginning with the one that did so last."""
        last, refused = self._last.get(asking.name), None
        for mode in MODES if last is None else (last, *(mode for mode in MODES if mode is not last)):
            if mode.applies(wanted, asking):
                try:
                    await self._check(mode, asking, wanted, info)
                    return mode
                except Forbidden as error:
                    refused = refused or error
        assert refused
        raise refused

    async def _check(self, mode: Mode, asking: User, wanted: User, info: RequestInfo) -> None:
        if mode is ASSOCIATED:  # any of its nodes' accounts may, or none: which node it is has been compared
            asking = replace(asking, extra={_KEYS: tuple(sorted(asking.extra))})
        if mode.name:
            await self._require(mode, asking, changed(info, verb=f"impersonate-on:{mode.name}:{info.verb}"))
        await self._require(mode, asking, _user(mode, wanted))
        if wanted.uid:
            await self._require(mode, asking, _attribute(mode, _GROUP, "uids", wanted.uid))
        if wanted.groups:
            await self._check_groups(mode, asking, wanted)
        if wanted.extra:
            await self._check_extra(mode, asking, wanted)

    async def _check_groups(self, mode: Mode, asking: User, wanted: User) -> None:
        questions = {group: _attribute(mode, mode.group, "groups", group) for group in (*wanted.groups, "*")}
        for group, shown in (("", "the empty string"), (MASTERS, "the system:masters")):
            if mode.name and group in wanted.groups:
                raise forbidden(asking, questions[group], f"impersonating {shown} group is not allowed")
        await self._require_all(mode, asking, [questions[group] for group in wanted.groups], questions["*"])

    async def _check_extra(self, mode: Mode, asking: User, wanted: User) -> None:
        if mode.name and (why := next(_wrong_with(wanted), "")):
            raise forbidden(asking, _attribute(mode, _GROUP, "userextras", ""), why)
        questions = [_extra(mode, key, value) for key, values in wanted.extra.items() for value in values]
        await self._require_all(mode, asking, questions, _extra(mode, "*", "*"))

    async def _require_all(self, mode: Mode, asking: User, questions: list[RequestInfo], general: RequestInfo) -> None:
        many = mode.name and len(questions) >= _MANY
        if many and (await self._ask(mode, asking, general)).verdict is Verdict.ALLOW:
            return
        for question in questions:
            await self._require(mode, asking, question)

    async def _ask(self, mode: Mode, asking: User, question: RequestInfo) -> Decision:
        started = self._figures.now()
        decision = await self._authorizer.authorize(asking, question)
        self._figures.asked(mode.name, decision.verdict is Verdict.ALLOW, started)
        return decision

    async def _require(self, mode: Mode, asking: User, question: RequestInfo) -> None:
        decision = await self._ask(mode, asking, question)
        if decision.verdict is not Verdict.ALLOW:
            why = ": ".join(said for said in (decision.error, decision.reason) if said)
            raise forbidden(asking, question, why)


def _user(mode: Mode, wanted: User) -> RequestInfo:
    """The right to the name alone; a node and a service account have such of their own."""
    node, account = _node(wanted.name), account_of(wanted.name)
    if mode.name and node is not None:
        return _attribute(mode, mode.group, "nodes", "*" if mode is ASSOCIATED else node)
    if account:
        return changed(_attribute(mode, mode.group, "serviceaccounts", account[1]), namespace=account[0])
    return _attribute(mode, mode.group, "users", wanted.name)


def _attribute(mode: Mode, group: str, resource: str, name: str) -> RequestInfo:
    return RequestInfo(mode.verb, group, "v1", resource, name=name, is_resource=True)


def _extra(mode: Mode, key: str, value: str) -> RequestInfo:
    return changed(_attribute(mode, _GROUP, "userextras", value), subresource=key)


def _complete(mode: Mode, wanted: User) -> User:
    """With the groups that such a user is always in."""
    groups, account = wanted.groups, account_of(wanted.name)
    if mode.name and _node(wanted.name) is not None:
        groups = (NODES,)
    elif account and not groups:
        groups = account_groups(account[0])
    also = UNAUTHENTICATED if wanted.name == ANONYMOUS.name or UNAUTHENTICATED in groups else AUTHENTICATED
    return replace(wanted, groups=groups if also in groups else (*groups, also))


def _wrong_with(wanted: User) -> Iterator[str]:
    """What constrained impersonation does not allow in extra, though the old way does."""
    for key, values in wanted.extra.items():
        if not key:
            yield "impersonating the empty string key in extra is not allowed"
        for error in domain_prefixed_path("extra.key", key):
            yield f"impersonating an invalid key in extra is not allowed: {error}"
        if key != key.lower():
            yield f'impersonating a non-lowercase key in extra is not allowed: "{key}"'
        if "" in values:
            yield "impersonating the empty string value in extra is not allowed"


def _bare(wanted: User) -> bool:
    """Nothing but a name: all else of such a user is ours to say."""
    return not (wanted.uid or wanted.groups or wanted.extra)


def _node(name: str) -> str | None:
    """The node of a kubelet's name."""
    node = name.removeprefix(NODE_PREFIX)
    return node if name.startswith(NODE_PREFIX) and not dns1123_subdomain(node) else None
