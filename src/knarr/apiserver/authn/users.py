"""Who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
ACCOUNTS = "system:serviceaccounts"  # the group of all; that of a namespace has its name behind it
NODES = "system:nodes"
_NODE_PREFIX = "system:node:"  # of the kubelets' names
ACCOUNT_PREFIX = "system:serviceaccount:"  # of their names as users


@dataclass(frozen=True, slots=True)
class User:
    """An identity, as upstream's user.Info: `extra` carries what an authenticator knows beyond the name."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def account_name(namespace: str, name: str) -> str:
    """A service account's name as a user."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def service_account(
    namespace: str, name: str, uid: str = "", extra: Mapping[str, tuple[str, ...]] | None = None
) -> User:
    """A service account as a user, in the groups that all of them are in."""
    groups = (ACCOUNTS, f"{ACCOUNTS}:{namespace}", AUTHENTICATED)
    return User(account_name(namespace, name), uid, groups, extra or {})


def node_of(user: User) -> str | None:
    """The node whose kubelet this is, empty where its name does not say; None of anybody else."""
    if NODES not in user.groups or not user.name.startswith(_NODE_PREFIX):
        return None
    return user.name.removeprefix(_NODE_PREFIX)


ANONYMOUS = User("system:anonymous", groups=(UNAUTHENTICATED,))
