"""Continue tokens: where a list that was cut goes on, and at which revision.

Opaque to clients; the form is upstream's (k8s.io/apiserver, storage/continue.go), so that a list can go on at either
server.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from knarr.apiserver.jsontext import JSONSyntaxError, parse
from knarr.machinery.errors import BadRequest, Gone

_VERSION = "meta.k8s.io/v1"
_ALIEN = re.compile(r"[^A-Za-z0-9_-]")
NEWEST = -1  # as a token's revision: go on with what is there now


@dataclass(frozen=True, slots=True)
class Position:
    """The key from which to go on (inclusive), and the revision of the list."""

    start: str
    revision: int


class ContinueExpired(Gone):
    """The list's revision has been compacted; the Status carries a token for going on inconsistently."""

    def __init__(self, token: str) -> None:
        super().__init__(
            "The provided continue parameter is too old to display a consistent list result. You can start a new "
            "list without the continue parameter, or use the continue token in this response to retrieve the "
            "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
            "that were created, modified, or deleted between the time the first chunk was returned and now may show "
            "up in the list."
        )
        self.token = token

    def to_status(self) -> dict[str, Any]:
        return {**super().to_status(), "metadata": {"continue": self.token}}


def encode(last_key: str, prefix: str, revision: int) -> str:
    """The token for what follows `last_key`."""
    token = msgspec.json.encode({"v": _VERSION, "rv": revision, "start": last_key.removeprefix(prefix) + "\0"})
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def decode(token: str, prefix: str) -> Position:
    """Raises BadRequest."""
    try:
        found = _Token(**{name: value for name, value in _parsed(token).items() if name in ("v", "rv", "start")})
        found.check()
    except _TokenError as error:
        raise BadRequest(f"invalid continue token: continue key is not valid: {error}") from None
    return Position(prefix + found.start, found.rv)


def _parsed(token: str) -> dict[str, Any]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found = parse(text)
    except ValueError:
        place = _ALIEN.search(token)
        raise _TokenError(f"illegal base64 data at input byte {place.start() if place else len(token)}") from None
    except JSONSyntaxError as error:
        raise _TokenError(str(error)) from None
    if not isinstance(found, dict):
        raise _TokenError("json: cannot unmarshal the token into Go value of type storage.continueToken")
    return found


@dataclass(frozen=True, slots=True)
class _Token:
    """What a token says, as a client may have written it."""

    v: Any = ""
    rv: Any = 0
    start: Any = ""

    def check(self) -> None:
        """Raises _TokenError."""
        if self.v != _VERSION:
            shown = msgspec.json.encode(self.v).decode()
            raise _TokenError(f"server does not recognize this encoded version {shown}")
        if type(self.rv) is not int or not self.rv:
            raise _TokenError(f"incorrect encoded start resourceVersion (version {_VERSION})")
        if not isinstance(self.start, str) or not self.start:
            raise _TokenError(f"encoded start key empty (version {_VERSION})")
        if ".." in self.start.split("/"):
            raise _TokenError(self.start)


class _TokenError(Exception):
    """Not a token of ours."""
