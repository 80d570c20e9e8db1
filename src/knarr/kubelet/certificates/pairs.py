"""What comes of asking for a certificate: a pair, or a refusal."""

from __future__ import annotations

from typing import NamedTuple


class RefusedError(Exception):
    """The request was denied or has failed, or what was signed is not what was asked for."""


class Pair(NamedTuple):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:  # the key stays out of logs and tracebacks
        return "Pair()"
