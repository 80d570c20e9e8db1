"""Bootstrap tokens: Secrets of kube-system by which machines that are to become nodes know the cluster, and it them.

https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime

from knarr.machinery.times import TimeError, parse_time

TYPE, NAMESPACE, PREFIX = "bootstrap.kubernetes.io/token", "kube-system", "bootstrap-token-"
TOKEN_ID, TOKEN_SECRET, EXPIRATION = "token-id", "token-secret", "expiration"  # keys of their data
SIGNS = "usage-bootstrap-signing"


def texts(data: Mapping[str, str]) -> dict[str, str]:
    """A Secret's data, decoded; what is no text is left out."""
    found = {}
    for key, value in data.items():
        try:
            found[key] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


def remaining(data: Mapping[str, str], now: datetime) -> float | None:
    """For how many seconds the token is good still, at most 0 if it is over; None: for ever. What cannot be read is
    over.
    """
    said = data.get(EXPIRATION)
    if not said:
        return None
    try:
        return (parse_time(said) - now).total_seconds()
    except TimeError:
        return 0.0
