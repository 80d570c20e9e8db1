"""Whom a request wants to be made as: the Impersonate- headers.

https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from knarr.apiserver.authn.fields import extra, first, mention
from knarr.apiserver.authn.users import User
from knarr.machinery.errors import BadRequest
from knarr.wire.messages import Request

_PREFIX, _EXTRA = "impersonate-", "impersonate-extra-"
_USER, _UID, _GROUP = "impersonate-user", "impersonate-uid", "impersonate-group"


def mentioned(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The names of such headers."""
    if not mention(headers, [_PREFIX]):
        return ()
    return tuple(name for name in headers if name.startswith(_PREFIX))


def wanted(request: Request) -> User | None:
    """Who is asked for, as the headers have it; None: nobody. Raises BadRequest where it is nobody with properties."""
    groups = tuple(request.values(_GROUP))
    found = User(first(request, [_USER]), first(request, [_UID]), groups, extra(request, [_EXTRA]))
    if found.name:
        return found
    if found.uid or found.groups or found.extra:
        raise BadRequest(f"requested {_spelled(found)} without impersonating a user name")
    return None


def _spelled(user: User) -> str:
    """A user as upstream's message shows it."""
    pairs = ", ".join(f"{json.dumps(key)}:{_strings(values)}" for key, values in sorted(user.extra.items()))
    shown = f"map[string][]string{{{pairs}}}" if pairs else "map[string][]string(nil)"
    groups = _strings(user.groups) if user.groups else "[]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:{json.dumps(user.uid)}, Groups:{groups}, Extra:{shown}}}'


def _strings(values: tuple[str, ...]) -> str:
    return f"[]string{{{', '.join(map(json.dumps, values))}}}"
