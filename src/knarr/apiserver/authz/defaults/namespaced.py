"""The Roles of kube-system and kube-public, and who has them."""

from __future__ import annotations

from knarr.apiserver.authz.defaults.notation import EVENTS, Binding, Role

_SYSTEM, _PUBLIC, _PREFIX = "kube-system", "kube-public", "system:controller:"
_READER = "extension-apiserver-authentication-reader"
_MANAGER, _SCHEDULER = "kube-controller-manager", "kube-scheduler"


def _locking(component: str) -> Role:
    """The lock by which upstream's components once elected a leader."""
    text = f"watch: configmaps\nget update: configmaps named {component}"
    return Role(f"system::leader-locking-{component}", text, _SYSTEM)


def _bound(role: str, namespace: str, *accounts: str, users: tuple[str, ...] = (), name: str = "") -> Binding:
    named = tuple(f"{_SYSTEM}/{account}" for account in accounts)
    return Binding(role, users=users, accounts=named, name=name, namespace=namespace, kind="Role")


ROLES: tuple[Role, ...] = (
    Role(_READER, "read: configmaps named extension-apiserver-authentication", _SYSTEM),
    Role(f"{_PREFIX}bootstrap-signer", "read: secrets", _SYSTEM),
    Role(f"{_PREFIX}cloud-provider", "read create: configmaps", _SYSTEM),
    Role(f"{_PREFIX}token-cleaner", f"read delete: secrets\n{EVENTS}", _SYSTEM),
    _locking(_MANAGER),
    _locking(_SCHEDULER),
    Role(
        f"{_PREFIX}bootstrap-signer",
        f"read: configmaps\nupdate: configmaps named cluster-info\n{EVENTS}",
        _PUBLIC,
    ),
)

BINDINGS: tuple[Binding, ...] = (
    _bound(_READER, _SYSTEM, users=(f"system:{_MANAGER}", f"system:{_SCHEDULER}"), name=f"system::{_READER}"),
    _bound(f"system::leader-locking-{_MANAGER}", _SYSTEM, _MANAGER, users=(f"system:{_MANAGER}",)),
    _bound(f"system::leader-locking-{_SCHEDULER}", _SYSTEM, _SCHEDULER, users=(f"system:{_SCHEDULER}",)),
    _bound(f"{_PREFIX}bootstrap-signer", _SYSTEM, "bootstrap-signer"),
    _bound(f"{_PREFIX}cloud-provider", _SYSTEM, "cloud-provider"),
    _bound(f"{_PREFIX}token-cleaner", _SYSTEM, "token-cleaner"),
    _bound(f"{_PREFIX}bootstrap-signer", _PUBLIC, "bootstrap-signer"),
)
