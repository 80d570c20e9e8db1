"""Whom a request wants to be made as: the Impersonate- headers.

https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from knarr.apiserver.authn.users import User
from knarr.machinery.errors import BadRequest
from knarr.wire.messages import Request

_PREFIX, _EXTRA = "impersonate-", "impersonate-extra-"
_USER, _UID, _GROUP = "impersonate-user", "impersonate-uid", "impersonate-group"
_MALFORMED = re.compile("%(?![0-9A-Fa-f]{2})")


def mentioned(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The names of such headers: of nearly all requests none, which is to cost next to nothing."""
    return _mentioned(tuple(headers))


@lru_cache(maxsize=512)  # clients send the same headers over and over
def _mentioned(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(_PREFIX))


def wanted(request: Request) -> User | None:
    """Who is asked for, as the headers have it; None: nobody. Raises BadRequest where it is nobody with properties."""
    extra: dict[str, tuple[str, ...]] = {}
    for name in request.headers:
        if name.startswith(_EXTRA):
            key = _key(name)
            extra[key] = (*extra.get(key, ()), *request.values(name))
    found = User(_first(request, _USER), _first(request, _UID), tuple(request.values(_GROUP)), extra)
    if found.name:
        return found
    if found.uid or found.groups or found.extra:
        raise BadRequest(f"requested {_spelled(found)} without impersonating a user name")
    return None


def _first(request: Request, field: str) -> str:
    return next(iter(request.values(field)), "")


def _key(header: str) -> str:
    """What is no header's name for being escaped badly is taken as it is."""
    key = header.removeprefix(_EXTRA)
    return key if _MALFORMED.search(key) else unquote(key)


def _spelled(user: User) -> str:
    """A user as upstream's message shows it."""
    extra = ", ".join(f"{json.dumps(key)}:{_strings(values)}" for key, values in sorted(user.extra.items()))
    shown = f"map[string][]string{{{extra}}}" if extra else "map[string][]string(nil)"
    groups = _strings(user.groups) if user.groups else "[]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:{json.dumps(user.uid)}, Groups:{groups}, Extra:{shown}}}'


def _strings(values: tuple[str, ...]) -> str:
    return f"[]string{{{', '.join(map(json.dumps, values))}}}"
