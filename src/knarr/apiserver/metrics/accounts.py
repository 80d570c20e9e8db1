"""Which tokens of service accounts are used: those that get old, and those of Secrets."""

from __future__ import annotations

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Family


def _family(name: str, what: str) -> Family:
    return Family(f"serviceaccount_{name}_total", "counter", f"Cumulative {what} used")


class AccountFigures:
    """Counts of one server."""

    def __init__(self, metrics: Metrics) -> None:
        self.legacy = metrics.count(_family("legacy_tokens", "legacy service account tokens"))
        self.stale = metrics.count(_family("stale_tokens", "stale projected service account tokens"))
        self.valid = metrics.count(_family("valid_tokens", "valid projected service account tokens"))
        self.automatic = metrics.count(_family("legacy_auto_token_uses", "auto-generated legacy tokens"))
        self.manual = metrics.count(_family("legacy_manual_token_uses", "manually created legacy tokens"))
        self.invalid = metrics.count(_family("invalid_legacy_auto_token_uses", "invalid auto-generated legacy tokens"))
