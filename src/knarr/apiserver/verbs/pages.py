"""Continue tokens: where a list that was cut goes on, and at which revision.

Opaque to clients; the form is upstream's (k8s.io/apiserver, storage/continue.go), so that a list can go on at either
server.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from knarr.machinery.errors import BadRequest, Gone

_VERSION = "meta.k8s.io/v1"
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
        found = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = found["v"], int(found["rv"]), found["start"]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from None
    if version != _VERSION or not isinstance(start, str) or not start or ".." in start.split("/"):
        raise BadRequest("continue key is not valid: server does not recognize this encoded version")
    return Position(prefix + start, revision)
