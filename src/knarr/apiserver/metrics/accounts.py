"""Which tokens of service accounts are used: those that get old, and those of Secrets."""

from __future__ import annotations

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Family


def _family(name: str, what: str) -> Family:
    return Family(f"serviceaccount_{name}_total", "counter", f"Cumulative {what} used")


_LEGACY = _family("legacy_tokens", "legacy service account tokens")
_STALE = _family("stale_tokens", "stale projected service account tokens")
_VALID = _family("valid_tokens", "valid projected service account tokens")
_AUTOMATIC = _family("legacy_auto_token_uses", "auto-generated legacy tokens")
_MANUAL = _family("legacy_manual_token_uses", "manually created legacy tokens")
_INVALID = _family("invalid_legacy_auto_token_uses", "invalid auto-generated legacy tokens")


class AccountFigures:
    """Counts of one server."""

    def __init__(self, metrics: Metrics) -> None:
        self.legacy, self.stale, self.valid = (metrics.count(family) for family in (_LEGACY, _STALE, _VALID))
        self.automatic, self.manual = metrics.count(_AUTOMATIC), metrics.count(_MANUAL)
        self.invalid = metrics.count(_INVALID)
