"""What a client's requests come to, under the names that client-go tells it by.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from knarr.machinery.figures import Count, Family, Figures, Spread

REQUESTS = Family(
    "rest_client_requests_total",
    "counter",
    "Number of HTTP requests, partitioned by status code, method, and host.",
    ("code", "host", "method"),
)
DURATION = Family(
    "rest_client_request_duration_seconds",
    "histogram",
    "Request latency in seconds. Broken down by verb, and host.",
    ("host", "verb"),
    (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
NO_ANSWER = "<error>"  # in place of a code


class RequestFigures:
    """Of the requests of one process to one server, `host`: its name and port."""

    def __init__(self, figures: Figures, host: str) -> None:
        self._figures, self._host = figures, host
        self._known: dict[tuple[str, int], tuple[Count, Spread]] = {}

    def answered(self, method: str, code: int, seconds: float) -> None:
        """A request was answered with this code; 0 says that it was not."""
        count, spread = self._known.get((method, code)) or self._learn(method, code)
        count.n += 1
        spread.observe(seconds)

    def _learn(self, method: str, code: int) -> tuple[Count, Spread]:
        count = self._figures.count(REQUESTS, (str(code) if code else NO_ANSWER, self._host, method))
        return self._known.setdefault((method, code), (count, self._figures.spread(DURATION, (self._host, method))))
