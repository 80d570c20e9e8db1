"""What a policy says of a request.

What of a rule depends on the request alone is known after the first one of its like; what is left to ask is who it is
from. That takes less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from knarr.apiserver.audit.levels import LEVELS, Decision, Level
from knarr.apiserver.audit.policies import Policy, Resources, Rule
from knarr.apiserver.authn.users import User
from knarr.apiserver.info import RequestInfo
from knarr.machinery.remembering import Bounded

_REMEMBERED = 4096  # requests


class Matcher:
    """A policy, asked of each request."""

    def __init__(self, policy: Policy) -> None:
        self._rules = [_Compiled(rule, policy) for rule in policy.rules]
        self._otherwise = Decision(Level.NONE, frozenset(policy.omit_stages or ()), policy.omit_managed_fields)
        self._known: Bounded[RequestInfo, Sequence[_Compiled]] = Bounded(_REMEMBERED)

    def decide(self, user: User, info: RequestInfo) -> Decision:
        """What the first rule that matches says."""
        rules = self._known.get(info)
        if rules is None:
            rules = [rule for rule in self._rules if rule.asks_for(info)]
            if info.is_short:
                self._known.keep(info, rules)
        for rule in rules:
            if rule.concerns(user):
                return rule.decision
        return self._otherwise


class _Compiled:
    """A rule whose lists are sets."""

    def __init__(self, rule: Rule, policy: Policy) -> None:
        omit = policy.omit_managed_fields if rule.omit_managed_fields is None else rule.omit_managed_fields
        stages = frozenset((*(policy.omit_stages or ()), *(rule.omit_stages or ())))
        self.decision = Decision(LEVELS[rule.level], stages, omit)
        self._users, self._groups = frozenset(rule.users or ()), frozenset(rule.user_groups or ())
        self._verbs, self._namespaces = frozenset(rule.verbs or ()), frozenset(rule.namespaces or ())
        self._resources = [_resources(resources) for resources in rule.resources or ()]
        self._paths = [_path(path) for path in rule.paths or ()]

    def concerns(self, user: User) -> bool:
        """Whether who asks is one of those that the rule is about."""
        if self._users and user.name not in self._users:
            return False
        return not self._groups or not self._groups.isdisjoint(user.groups)

    def asks_for(self, info: RequestInfo) -> bool:
        """Whether what is asked for is."""
        if self._verbs and info.verb not in self._verbs:
            return False
        if self._namespaces or self._resources:
            return info.is_resource and self._names(info)
        if self._paths:
            return not info.is_resource and any(matches(info.path) for matches in self._paths)
        return True

    def _names(self, info: RequestInfo) -> bool:
        if self._namespaces and info.namespace not in self._namespaces:
            return False
        return not self._resources or any(matches(info) for matches in self._resources)


def _resources(given: Resources) -> Callable[[RequestInfo], bool]:
    resources, names = frozenset(given.resources or ()), frozenset(given.resource_names or ())

    def matches(info: RequestInfo) -> bool:
        if info.group != given.group:
            return False
        if not resources:
            return True
        if names and info.name not in names:
            return False
        return not resources.isdisjoint(_covering(info))

    return matches


def _covering(info: RequestInfo) -> tuple[str, ...]:
    """What in a rule covers a request's resource."""
    if info.subresource:
        return "*", f"{info.resource}/{info.subresource}", f"*/{info.subresource}", f"{info.resource}/*"
    return "*", info.resource, f"{info.resource}/*"


def _path(wanted: str) -> Callable[[str], bool]:
    if wanted.endswith("*"):
        start = wanted.rstrip("*")
        return lambda path: path.startswith(start)
    return lambda path: path == wanted
