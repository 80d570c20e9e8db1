"""What upstream's default roles give to whom, and ours to accounts that upstream does not have; and whether that is
enough for a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.defaults import cluster, controllers, namespaced, own
from knarr.apiserver.authz.rules import Rules
from knarr.apiserver.info import RequestInfo
from knarr.runtime.controller import Controller

_ROLES = [role for table in (cluster, controllers, namespaced, own) for role in table.ROLES]
_BINDINGS = [
    *(binding for table in (cluster, controllers, namespaced) for binding in table.BINDINGS),
    *(binding for binding in own.BINDINGS if binding.accounts and not binding.users),
]
MANAGER = "system:kube-controller-manager"


@cache
def held(*whoever: str) -> Sequence[Rules]:
    """The rules of users, of groups and, as `namespace/name`, of service accounts."""
    bindings = [b for b in _BINDINGS if {*whoever} & {*b.users, *b.groups, *b.accounts}]
    bound = {(b.role, b.namespace if b.kind == "Role" else "") for b in bindings}
    return [Rules(role.rules()) for role in _ROLES if (role.name, role.namespace) in bound]


def held_by(user: User) -> Sequence[Rules]:
    """The same of an identity."""
    _, _, account = user.name.rpartition("system:serviceaccount:")
    return held(user.name, account.replace(":", "/"), *user.groups)


def declared(controller: Controller, info: RequestInfo) -> bool:
    """Whether a controller says in its `may` that it makes such a request."""
    if not info.is_resource:
        return True
    name = f"{info.qualified_resource}/{info.subresource}" if info.subresource else info.qualified_resource
    return any(info.verb in controller.may.get(key, "").split() for key in (name, "*"))
