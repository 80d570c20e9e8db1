"""Who holds which roles, and where: bindings, by their subjects."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.authn.users import User, account_name
from knarr.apiserver.authz.authorizer import Decision, Verdict

_List = list["Grant"]


class Grant:
    """A role that a binding gives to a subject; `role` is its key in the store."""

    __slots__ = ("_allowed", "_binding", "_subject", "role", "role_kind", "role_name")

    def __init__(self, role: str, binding: JSON, subject: str) -> None:
        self.role, self._binding, self._subject = role, _title(binding), subject
        self.role_kind, self.role_name = dig(binding, "roleRef.kind", ""), dig(binding, "roleRef.name", "")
        self._allowed: Decision | None = None

    @property
    def allowed(self) -> Decision:
        """The decision that is due to this grant."""
        if self._allowed is None:
            role = f'{self.role_kind} "{self.role_name}"'
            reason = f"RBAC: allowed by {self._binding} of {role} to {self._subject}"
            self._allowed = Decision(Verdict.ALLOW, reason)
        return self._allowed


class _Scope(msgspec.Struct, frozen=True):
    """The grants of one namespace, or of the cluster."""

    users: dict[str, _List] = {}
    groups: dict[str, _List] = {}


class Grants:
    """All bindings by their keys, changed one at a time."""

    def __init__(self) -> None:
        self._scopes: dict[str, _Scope] = {"": _Scope()}
        self._places: dict[str, tuple[str, list[tuple[dict[str, _List], str, Grant]]]] = {}

    def of(self, user: User, namespace: str) -> Iterator[Grant]:
        """What a user holds everywhere, and then in the namespace unless that is empty."""
        for scope in (self._scopes[""], self._scopes.get(namespace) if namespace else None):
            if scope is None:
                continue
            yield from scope.users.get(user.name, ())
            for group in user.groups:
                yield from scope.groups.get(group, ())

    def put(self, key: str, role: str, binding: JSON) -> None:
        """Take in a binding, or what has become of it, to the role with the key `role`."""
        self.drop(key)
        namespace = dig(binding, "metadata.namespace", "")
        scope = self._scopes.setdefault(namespace, _Scope())
        places: list[tuple[dict[str, _List], str, Grant]] = []
        self._places[key] = namespace, places
        for subject in each(binding, "subjects"):
            table, name, title = _find(scope, subject, namespace)
            if name:
                grant = Grant(role, binding, title)
                table.setdefault(name, []).append(grant)
                places.append((table, name, grant))

    def drop(self, key: str) -> None:
        """Forget a binding, if it is known."""
        namespace, places = self._places.pop(key, ("", ()))
        for table, name, grant in places:
            table[name].remove(grant)
            if not table[name]:
                del table[name]
        scope = self._scopes.get(namespace)
        if namespace and scope and not scope.users and not scope.groups:
            del self._scopes[namespace]


def _find(scope: _Scope, subject: JSON, namespace: str) -> tuple[dict[str, _List], str, str]:
    """Where a subject's grants are, under which name, and what reasons call it; a service account is a user."""
    kind, name = dig(subject, "kind"), dig(subject, "name", "")
    if kind == "Group":
        return scope.groups, name, f'Group "{name}"'
    if kind == "User":
        return scope.users, name, f'User "{name}"'
    home = dig(subject, "namespace") or namespace
    return scope.users, account_name(home, name) if home else "", f'ServiceAccount "{name}/{home}"'


def _title(binding: JSON) -> str:
    name, namespace = (dig(binding, f"metadata.{field}", "") for field in ("name", "namespace"))
    return f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'
