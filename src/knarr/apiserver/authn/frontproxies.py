"""Proxies that know whom a request is from: they show a certificate of an authority of their own, and say it in fields.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.fields import extra, first, mention
from knarr.apiserver.authn.users import User, authenticated
from knarr.wire.messages import Request

_STANDARD = "x-remote-"


@dataclass(frozen=True)
class Fields:
    """The names (in lower case) of the fields that say who the user is; of those of extra, what they begin with."""

    users: tuple[str, ...] = ("x-remote-user",)
    uids: tuple[str, ...] = ("x-remote-uid",)
    groups: tuple[str, ...] = ("x-remote-group",)
    extra: tuple[str, ...] = ("x-remote-extra-",)

    def user(self, request: Request) -> User | None:
        """Whom they tell of; None: of nobody."""
        name = first(request, self.users)
        groups = [group for field in self.groups for group in request.values(field) if group]
        found = User(name, first(request, self.uids), tuple(groups), extra(request, self.extra))
        return authenticated(found) if name else None

    def among(self, names: Iterable[str]) -> Iterator[str]:
        known = (*self.users, *self.uids, *self.groups)
        return (name for name in names if name in known or name.startswith(self.extra))

    @cached_property
    def words(self) -> Sequence[str]:
        """Without any of these in its names, a request has neither such fields nor standard ones."""
        names = (*self.users, *self.uids, *self.groups, *self.extra)
        return [_STANDARD, *(name for name in names if _STANDARD not in name)]


class FrontProxies(msgspec.Struct, frozen=True):
    """Who is believed: with a certificate of these `authorities`, by one of these common names if there are any."""

    authorities: Authorities
    names: frozenset[str] = frozenset()
    fields: Fields = Fields()


STANDARD = Fields()


def telling(headers: Mapping[str, str], fields: Fields) -> tuple[str, ...]:
    """The names of fields that tell of a user, these and the standard ones: who is no proxy may not be heard with them
    further on either.
    """
    return (*fields.among(headers), *STANDARD.among(headers)) if mention(headers, fields.words) else ()
