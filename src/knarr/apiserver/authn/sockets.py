"""Bearer tokens of browsers, which can give a WebSocket no header: one of its subprotocols is the token.

Its name is `base64url.bearer.authorization.k8s.io.` and the token in base64url without padding; a second subprotocol is
the one that is really spoken.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from msgspec.structs import replace

from knarr.apiserver.authn.bearers import RejectedError
from knarr.wire.messages import Request
from knarr.wire.websockets import asked, offered

_PROTOCOLS, _PREFIX = "sec-websocket-protocol", "base64url.bearer.authorization.k8s.io."
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class Carried(NamedTuple):
    """A token, and the request without it."""

    token: str
    request: Request


def carried(request: Request) -> Carried | None:
    """What a handshake carries; None where it is none, or carries nothing. Raises RejectedError."""
    if _PREFIX not in request.headers.get(_PROTOCOLS, "") or not asked(request.headers):
        return None
    names = offered(request.headers)
    tokens = [name for name in names if name.startswith(_PREFIX)]
    others = [name for name in names if not name.startswith(_PREFIX)]
    if len(tokens) != 1 or not others:
        raise RejectedError
    token = _decoded(tokens[0].removeprefix(_PREFIX))
    bare = request.without([_PROTOCOLS])
    return Carried(token, replace(bare, headers={**bare.headers, _PROTOCOLS: ", ".join(others)}))


def _decoded(text: str) -> str:
    if not _BASE64URL.fullmatch(text):
        raise RejectedError
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise RejectedError from None
