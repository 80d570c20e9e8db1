"""What authorizers decide, and how it goes with those who are asked over the network."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Family

_PREFIX = "apiserver_authorization"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BY_NAME, _BY_RESULT = ("name", "type"), ("name", "result")

DECISIONS = Family(
    f"{_PREFIX}_decisions_total",
    "counter",
    "Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.",
    ("decision", "name", "type"),
)
WEBHOOKS = Family(
    f"{_PREFIX}_webhook_evaluations_total", "counter", "Round-trips to authorization webhooks.", _BY_RESULT
)
WEBHOOK_DURATION = Family(
    f"{_PREFIX}_webhook_duration_seconds", "histogram", "Request latency in seconds.", _BY_RESULT, _SECONDS
)
FAILED_OPEN = Family(
    f"{_PREFIX}_webhook_evaluations_fail_open_total",
    "counter",
    "NoOpinion results due to webhook timeout or error.",
    _BY_RESULT,
)
CONDITION_ERRORS = Family(
    f"{_PREFIX}_match_condition_evaluation_errors_total",
    "counter",
    "Total number of errors when an authorization webhook encounters a match condition error split by authorizer type "
    "and name.",
    _BY_NAME,
)
EXCLUSIONS = Family(
    f"{_PREFIX}_match_condition_exclusions_total",
    "counter",
    "Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.",
    _BY_NAME,
)
CONDITION_DURATION = Family(
    f"{_PREFIX}_match_condition_evaluation_seconds",
    "histogram",
    "Authorization match condition evaluation time in seconds, split by authorizer type and name.",
    _BY_NAME,
    (0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25),
)


class WebhookFigures:
    """Of one webhook authorizer."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._metrics, self._name = metrics, name

    @contextmanager
    def asking(self, clock: Clock, *, fails_open: bool) -> Iterator[None]:
        """For as long as the webhook is asked; what is raised is its failure."""
        started, result = clock.monotonic(), "success"
        try:
            yield
        except CancelledError:
            result = "canceled"
            raise
        except Exception as error:
            result = "timeout" if getattr(error, "late", False) else "error"
            if fails_open:
                self._metrics.count(FAILED_OPEN, (self._name, result)).n += 1
            raise
        finally:
            self._metrics.count(WEBHOOKS, (self._name, result)).n += 1
            self._metrics.spread(WEBHOOK_DURATION, (self._name, result)).observe(clock.monotonic() - started)

    def matched(self, seconds: float) -> None:
        """Its conditions took so long."""
        self._metrics.spread(CONDITION_DURATION, self._labels).observe(seconds)

    def excluded(self) -> None:
        """They do not hold."""
        self._metrics.count(EXCLUSIONS, self._labels).n += 1

    def unmatched(self) -> None:
        """They could not be evaluated."""
        self._metrics.count(CONDITION_ERRORS, self._labels).n += 1

    @property
    def _labels(self) -> tuple[str, str]:
        return self._name, "Webhook"
