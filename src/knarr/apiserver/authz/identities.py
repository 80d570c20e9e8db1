"""The authorizer of named identities: the components and service accounts that table.py lists, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knarr.apiserver.authn.users import ACCOUNT_PREFIX, MASTERS, User
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Decision
from knarr.apiserver.authz.roles import Rights, Role
from knarr.apiserver.info import RequestInfo

_NODE = "system:node:"
_EVERYTHING = Role("cluster-admin", may={"*": "*"}, paths=("*",))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a role: the user of this name, or everybody in this group."""

    subject: str
    role: Role
    own_namespace: bool = False  # the role holds only in the service account's namespace, and for non-resource paths
    namespace: str = ""  # the role holds only in this one


class NamedIdentities:
    """Adds up the roles that a user holds by name and by groups; `system:masters` may do anything."""

    def __init__(self, identities: tuple[Identity, ...]) -> None:
        self._rights: dict[str, list[tuple[Rights, Identity]]] = {}
        for identity in identities:
            self._rights.setdefault(identity.subject, []).append((Rights(identity.role), identity))

    def authorize(self, user: User, info: RequestInfo) -> Decision:
        if MASTERS in user.groups:
            return ALLOWED
        own_name = user.name.removeprefix(_NODE) if user.name.startswith(_NODE) else ""
        for subject in (user.name, *user.groups):
            for rights, identity in self._rights.get(subject, ()):
                if _holds_in(identity, user, info) and rights.allow(info, own_name):
                    return ALLOWED
        return NO_OPINION

    def roles(self, user: User, namespace: str) -> Iterator[Role]:
        if MASTERS in user.groups:
            yield _EVERYTHING
        anything = RequestInfo("get", namespace=namespace, is_resource=True)
        for subject in (user.name, *user.groups):
            for _, identity in self._rights.get(subject, ()):
                if _holds_in(identity, user, anything):
                    yield identity.role


def _holds_in(identity: Identity, user: User, info: RequestInfo) -> bool:
    """Whether the role counts in the namespace that the request is about."""
    only = _namespace_of(user) if identity.own_namespace else identity.namespace
    return not (info.is_resource and (only or identity.own_namespace)) or info.namespace == only


def _namespace_of(user: User) -> str:
    if not user.name.startswith(ACCOUNT_PREFIX):
        return ""
    return user.name.removeprefix(ACCOUNT_PREFIX).partition(":")[0]
