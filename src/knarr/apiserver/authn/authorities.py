"""Whose certificates say who somebody is.

TLS lets in whoever any of the server's authorities vouches for. Here it is told apart whose word it was: a front
proxy's certificate makes nobody a user, and a user's certificate makes nobody a front proxy.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from pathlib import Path

from knarr.wire.following import mark_of

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Authorities:
    """Those whose certificates are in a file (PEM). Raises OSError and ValueError where it holds none.

    TLS follows the file and comes first; so it is read anew only when somebody comes whom nobody known vouches for.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen = mark_of(file)
        self._known = _read(file)

    def vouch_for(self, chain: Sequence[bytes]) -> bool:
        """Whether one of them is in a chain of certificates (DER) that TLS has verified."""
        return not self._known.isdisjoint(chain) or (self._changed() and not self._known.isdisjoint(chain))

    def share_with(self, others: Authorities) -> bool:
        """Whether some are in both."""
        return not self._known.isdisjoint(others._known)

    def _changed(self) -> bool:
        mark = mark_of(self._file)
        if mark is None or mark == self._seen:
            return False
        self._seen = mark
        try:
            self._known = _read(self._file)
        except (OSError, ValueError):  # half of a file: TLS stays with what it had, too
            return False
        return True


def _read(file: Path) -> frozenset[bytes]:
    found = frozenset(map(ssl.PEM_cert_to_DER_cert, _CERTIFICATE.findall(file.read_text())))
    if not found:
        raise ValueError(f"{file}: data does not contain any valid RSA or ECDSA certificates")
    return found
