"""The API server's own figures, under upstream's names, in Prometheus' text form.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from knarr.runtime.counters import escape_label

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# upstream's bounds, in seconds
_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)


class Labels(NamedTuple):
    """What a request's figures are told apart by."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str


_ROWS = 2000
_OTHERS = Labels("other", "", "", "", "", "")


class _Figures:
    """One row of the tables: requests by code, and how long they took."""

    __slots__ = ("buckets", "codes", "seconds")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.buckets = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0


class Metrics:
    """Counts requests; costs two dictionary look-ups each."""

    def __init__(self) -> None:
        self._figures: dict[Labels, _Figures] = {}

    def count(self, labels: Labels, code: int, seconds: float | None) -> None:
        """A request has been answered; `seconds` None where the answer goes on (watches)."""
        figures = self._figures.get(labels) or self._row(labels)
        figures.codes[code] = figures.codes.get(code, 0) + 1
        if seconds is not None:
            figures.buckets[bisect_left(_BUCKETS, seconds)] += 1
            figures.seconds += seconds

    def _row(self, labels: Labels) -> _Figures:
        """A new row; paths that clients make up share one when there are too many."""
        return self._figures.setdefault(labels if len(self._figures) < _ROWS else _OTHERS, _Figures())

    def render(self) -> bytes:
        lines = [
            "# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, dry run value, "
            "group, version, resource, scope, component, and HTTP response code.",
            "# TYPE apiserver_request_total counter",
        ]
        for labels, figures in self._figures.items():
            text = _text(labels)
            lines += [f'apiserver_request_total{{code="{code}",{text}}} {n}' for code, n in figures.codes.items()]
        lines += [
            "# HELP apiserver_request_duration_seconds Response latency distribution in seconds for each verb, "
            "dry run value, group, version, resource, subresource, scope and component.",
            "# TYPE apiserver_request_duration_seconds histogram",
        ]
        for labels, figures in self._figures.items():
            lines += _histogram("apiserver_request_duration_seconds", _text(labels), figures)
        return ("\n".join(lines) + "\n").encode()


def _histogram(name: str, labels: str, figures: _Figures) -> list[str]:
    lines, total = [], 0
    for bound, n in zip((*map(_number, _BUCKETS), "+Inf"), figures.buckets, strict=True):
        total += n
        lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {total}')
    return [*lines, f"{name}_sum{{{labels}}} {figures.seconds:.9g}", f"{name}_count{{{labels}}} {total}"]


def _number(bound: float) -> str:
    return f"{bound:g}"


def _text(labels: Labels) -> str:
    pairs = {"component": "apiserver", "dry_run": "", **labels._asdict()}
    return ",".join(f'{name}="{escape_label(value)}"' for name, value in sorted(pairs.items()))
