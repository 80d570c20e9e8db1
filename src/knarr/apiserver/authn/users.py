"""Who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from knarr.machinery.names import dns1123_label, dns1123_subdomain

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
ACCOUNTS = "system:serviceaccounts"  # the group of all; that of a namespace has its name behind it
NODES = "system:nodes"
NODE_PREFIX = "system:node:"  # of the kubelets' names
ACCOUNT_PREFIX = "system:serviceaccount:"  # of their names as users

NODE_NAME = "authentication.kubernetes.io/node-name"  # in extra: the node of the Pod that a token is bound to


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
    return User(account_name(namespace, name), uid, (*account_groups(namespace), AUTHENTICATED), extra or {})


def described(user: User) -> dict[str, Any]:
    """A user as upstream's UserInfo has it, every field."""
    extra = {key: list(values) for key, values in user.extra.items()}
    return {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}


def user_info(user: User) -> dict[str, Any]:
    """The same as objects hold it: what is empty is left out."""
    return {name: value for name, value in described(user).items() if value}


def authenticated(user: User) -> User:
    """A user as known by credentials: in the group of all such, unless they say something else of that."""
    if AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups or user.name == ANONYMOUS.name:
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))


def account_groups(namespace: str) -> tuple[str, str]:
    """The groups of service accounts that an account is in."""
    return ACCOUNTS, f"{ACCOUNTS}:{namespace}"


def account_of(name: str) -> tuple[str, str] | None:
    """The namespace and name of the service account that a user of this name is; None of anybody else."""
    namespace, colon, account = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    if not name.startswith(ACCOUNT_PREFIX) or not colon or dns1123_label(namespace) or dns1123_subdomain(account):
        return None
    return namespace, account


def node_of(user: User) -> str | None:
    """The node whose kubelet this is, empty where its name does not say; None of anybody else."""
    if NODES not in user.groups or not user.name.startswith(NODE_PREFIX):
        return None
    return user.name.removeprefix(NODE_PREFIX)


ANONYMOUS = User("system:anonymous", groups=(UNAUTHENTICATED,))
