"""What a token is bound to must be there still, with the uid that it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.claims import Bound, Private

Lookup = Callable[[str, str, str], JSON | None]  # (plural of a core resource, namespace, name) to the object

LEEWAY = timedelta(seconds=60)  # for clocks that disagree, and for what shuts down: it may still speak that long


def check_bound(private: Private, lookup: Lookup, now: datetime) -> None:
    """Raises InvalidTokenError where anything of it is gone."""
    account = private.account
    found = lookup("serviceaccounts", private.namespace, account.name)
    if found is None:
        raise InvalidTokenError(f'serviceaccount "{account.name}" not found')
    uid = found["metadata"]["uid"]
    if uid != account.uid:
        raise InvalidTokenError(f"service account UID ({uid}) does not match claim ({account.uid})")
    if _has_gone(found, now):
        raise InvalidTokenError(f"service account {private.namespace}/{account.name} has been deleted")
    for what, bound in _further(private):
        _check(what, bound, lookup(f"{what}s", "" if what == "node" else private.namespace, bound.name), now)


def _further(private: Private) -> Iterator[tuple[str, Bound]]:
    """A Pod's node is only told along with it."""
    if private.secret:
        yield "secret", private.secret
    if private.pod:
        yield "pod", private.pod
    elif private.node:
        yield "node", private.node


def _check(what: str, bound: Bound, found: JSON | None, now: datetime) -> None:
    if found is None or _has_gone(found, now):
        raise InvalidTokenError("service account token has been invalidated")
    uid = found["metadata"]["uid"]
    if uid != bound.uid:
        raise InvalidTokenError(f"{what} UID ({uid}) does not match service account {what} ref claim ({bound.uid})")


def _has_gone(found: JSON, now: datetime) -> bool:
    deleted = found["metadata"].get("deletionTimestamp")
    return bool(deleted) and datetime.fromisoformat(deleted) < now - LEEWAY
