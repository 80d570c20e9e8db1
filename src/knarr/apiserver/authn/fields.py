"""Users as requests' fields tell of them: extra has a field for each key, which is escaped in the field's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from knarr.wire.messages import Request

# What nearly every request has: who sends nothing else speaks for nobody else.
_ORDINARY = frozenset(
    (
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"),
        *("kubectl-command", "kubectl-session", "traceparent", "transfer-encoding", "user-agent"),
    )
)
_MALFORMED = re.compile("%(?![0-9A-Fa-f]{2})")


def mention(headers: Iterable[str], words: Iterable[str]) -> bool:
    """Whether any of the words is in a header's name. Nearly no request has one, which is to cost next to nothing."""
    return not _ORDINARY.issuperset(headers) and any(map("\n".join(headers).__contains__, words))


def first(request: Request, names: Sequence[str]) -> str:
    """The first value of the first of these fields that has one."""
    return next((found[0] for name in names if (found := request.values(name)) and found[0]), "")


def extra(request: Request, prefixes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the fields say whose names begin so (in lower case); what comes behind it is the key."""
    found: dict[str, tuple[str, ...]] = {}
    for prefix in prefixes:
        for name in request.headers:
            if name.startswith(prefix):
                key = _unescaped(name[len(prefix) :])
                found[key] = (*found.get(key, ()), *request.values(name))
    return found


def _unescaped(key: str) -> str:
    """What is escaped badly is taken as it is."""
    return key if _MALFORMED.search(key) else unquote(key)
