"""RBAC: what roles allow to whom bindings bind, from an index that follows these objects in the watch cache.

A change costs the work for its own object, at once for a binding, at the next question for a role.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import orjson

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import NO_OPINION, Decision, Held, Local, Verdict
from knarr.apiserver.authz.grants import Grant, Grants
from knarr.apiserver.authz.rules import GROUP, Rules
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.registry import Registry, prefix_of
from knarr.machinery.errors import aggregate
from knarr.storage.cache import Change, Entry, Following

log = logging.getLogger(__name__)

ROLES = {"Role": "roles", "ClusterRole": "clusterroles"}
_BINDINGS = ("rolebindings", "clusterrolebindings")


class RBAC(Local):
    """See the module's docstring."""

    def __init__(self, registry: Registry) -> None:
        self._cache = registry.cache
        kinds = {plural: registry.find(GROUP, plural) for plural in (*ROLES.values(), *_BINDINGS)}
        self._prefixes = {plural: prefix_of(kind) for plural, kind in kinds.items() if kind}
        self._grants = Grants()
        self._rules: dict[str, Rules] = {}
        self._followings: list[Following] = []
        self._stale = True

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        if self._stale:
            self._load()
        missing: dict[str, None] = {}
        for grant in self._grants.of(user, info.namespace):
            rules = self._rules.get(grant.role) or self._compile(grant.role)
            if rules is None:
                missing[_missing(grant)] = None
            elif rules.allow(info):
                return grant.allowed
        return Decision(Verdict.NO_OPINION, f"RBAC: {aggregate(tuple(missing))}") if missing else NO_OPINION

    def held(self, user: User, namespace: str) -> Held:
        if self._stale:
            self._load()
        rules: list[JSON] = []
        missing: dict[str, None] = {}
        for grant in self._grants.of(user, namespace):
            if entry := self._cache.get(grant.role):
                rules += each(_read(entry), "rules")
            else:
                missing[_missing(grant)] = None
        return Held(rules, tuple(missing))

    def _load(self) -> None:
        self._stale = False
        if not self._followings:
            sinks = {**dict.fromkeys(ROLES.values(), self._forget), **dict.fromkeys(_BINDINGS, self._rebind)}
            for plural, sink in sinks.items():
                self._followings.append(self._cache.follow(self._prefixes[plural], sink, self._lost))
        self._grants, self._rules = Grants(), {}
        for plural in _BINDINGS:
            self._bind(self._cache.range(self._prefixes[plural]))

    def _lost(self) -> None:
        self._stale = True

    def _forget(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._rules.pop(change.entry.key, None)

    def _rebind(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.type == "DELETED":
                self._grants.drop(change.entry.key)
            else:
                self._bind((change.entry,))

    def _bind(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            tree = _read(entry)
            self._grants.put(entry.key, self._role_of(tree), tree)

    def _role_of(self, binding: JSON) -> str:
        """The key of the role that a binding is about."""
        kind, name = dig(binding, "roleRef.kind", ""), dig(binding, "roleRef.name", "")
        if kind not in ROLES:
            return ""
        namespace = f"{dig(binding, 'metadata.namespace', '')}/" if kind == "Role" else ""
        return f"{self._prefixes[ROLES[kind]]}{namespace}{name}"

    def _compile(self, key: str) -> Rules | None:
        entry = self._cache.get(key)
        if entry is None:
            return None
        self._rules[key] = Rules(each(_read(entry), "rules"))
        return self._rules[key]


def _read(entry: Entry) -> JSON:
    """What is stored; what cannot be read, as nobody here has written it, grants nothing and keeps nobody waiting."""
    try:
        tree: JSON = orjson.loads(entry.value)
    except orjson.JSONDecodeError:
        log.warning("%s cannot be read", entry.key)
        return {}
    return tree


def _missing(grant: Grant) -> str:
    if not grant.role:
        return f'unsupported role reference kind: "{grant.role_kind}"'
    return f'{grant.role_kind.lower()}.{GROUP} "{grant.role_name}" not found'
