"""What webhooks of admission are asked, how long that takes, and what they answer."""

from __future__ import annotations

from knarr.apiserver.metrics.families import WEBHOOK_DURATION, WEBHOOK_FAIL_OPEN, WEBHOOK_REJECTIONS, WEBHOOK_REQUESTS
from knarr.apiserver.metrics.metrics import Metrics

_MOST = 600  # codes above count as this one


class WebhookFigures:
    """Of one round; `type` is `admit` or `validating`."""

    def __init__(self, metrics: Metrics, type: str) -> None:
        self._metrics, self._type = metrics, type

    def passed(self, name: str, operation: str, seconds: float, *, unasked: bool) -> None:
        """The write goes on; `unasked`: since the webhook could not be asked, and may fail."""
        if unasked:
            self._metrics.count(WEBHOOK_FAIL_OPEN, (name, self._type)).n += 1
        self._asked(name, operation, seconds, rejected=False, code=200)

    def rejected(self, name: str, operation: str, seconds: float, code: int, *, called: bool) -> None:
        """The write does not; `called`: since the webhook says so."""
        error, shown = ("no_error", min(code, _MOST)) if called else ("calling_webhook_error", 0)
        self._metrics.count(WEBHOOK_REJECTIONS, (error, name, operation, str(shown), self._type)).n += 1
        self._asked(name, operation, seconds, rejected=True, code=code)

    def _asked(self, name: str, operation: str, seconds: float, *, rejected: bool, code: int) -> None:
        refused = str(rejected).lower()
        self._metrics.spread(WEBHOOK_DURATION, (name, operation, refused, self._type)).observe(seconds)
        self._metrics.count(WEBHOOK_REQUESTS, (str(min(code, _MOST)), name, operation, refused, self._type)).n += 1
