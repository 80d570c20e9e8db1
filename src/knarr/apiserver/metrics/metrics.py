"""What is counted, and when it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from knarr.apiserver.metrics.families import (
    INFLIGHT,
    LONG_RUNNING,
    REQUEST_DURATION,
    REQUEST_SLI_DURATION,
    REQUESTS,
    RESPONSE_SIZES,
    TERMINATIONS,
)
from knarr.machinery.figures import Figures, Spread, lines

_ROWS = 2000  # of requests told apart; more are told together: clients make up paths


class Labels(NamedTuple):
    """What a request's figures are told apart by."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str
    dry_run: str = ""


_STRANGERS = (401, 403)  # answers to those who may not even ask: they make up paths that there are not
_LONGEST = 400  # characters of what a request is told apart by
_OTHERS = Labels("other", "", "", "", "", "")


class _Row:
    """One kind of request: how many by code, how long they took, how large their answers were."""

    __slots__ = ("codes", "running", "seconds", "sizes")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.seconds = Spread(REQUEST_DURATION.bounds)
        self.sizes = Spread(RESPONSE_SIZES.bounds)
        self.running = 0  # of those that go on: watches, logs, exec


class Metrics(Figures):
    """All that this server tells of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inflight = {"mutating": 0, "readOnly": 0}
        self._requests: dict[Labels, _Row] = {}

    def answered(self, labels: Labels, code: int, seconds: float, size: int) -> None:
        """A request has been answered, as a whole."""
        row = self._requests.get(labels) or self._row(_OTHERS if code in _STRANGERS else labels)
        row.codes[code] = row.codes.get(code, 0) + 1
        row.seconds.observe(seconds)
        row.sizes.observe(size)

    def goes_on(self, labels: Labels, code: int) -> Callable[[], None]:
        """A request is answered over time; the function returned says that it has ended."""
        row = self._requests.get(labels) or self._row(labels)
        row.codes[code] = row.codes.get(code, 0) + 1
        row.running += 1

        def ended() -> None:
            row.running -= 1

        return ended

    def terminated(self, labels: Labels, code: int) -> None:
        """A request was turned away, so that others are served."""
        labels = labels if labels in self._requests else _OTHERS
        self.count(TERMINATIONS, (str(code), *_values(labels)[1])).n += 1

    def lines(self) -> Iterator[str]:
        """Requests first."""
        yield from self._lines_of_requests()
        yield from super().lines()

    def _lines_of_requests(self) -> Iterator[str]:
        rows = [(labels, row, _values(labels)) for labels, row in self._requests.items()]
        by_code = [((str(code), *long), n) for _, row, (long, _) in rows for code, n in row.codes.items()]
        yield from lines(REQUESTS, by_code)
        yield from lines(REQUEST_DURATION, ((long, row.seconds) for _, row, (long, _) in rows))
        yield from lines(REQUEST_SLI_DURATION, _together((short, row.seconds) for _, row, (_, short) in rows))
        yield from lines(RESPONSE_SIZES, _together((short, row.sizes) for _, row, (_, short) in rows))
        yield from lines(LONG_RUNNING, ((short, row.running) for _, row, (_, short) in rows if row.running))
        yield from lines(INFLIGHT, (((kind,), n) for kind, n in self.inflight.items()))

    def _row(self, labels: Labels) -> _Row:
        known = len(self._requests) < _ROWS and sum(map(len, labels)) < _LONGEST
        return self._requests.setdefault(labels if known else _OTHERS, _Row())


def _together(samples: Iterable[tuple[tuple[str, ...], Spread]]) -> Iterator[tuple[tuple[str, ...], Spread]]:
    """Each labels once: dry runs and others are told apart by none here."""
    found: dict[tuple[str, ...], Spread] = {}
    for labels, spread in samples:
        known = found.get(labels)
        found[labels] = spread if known is None else known + spread
    yield from found.items()


def _values(labels: Labels) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values in the order of the families' labels, with and without `dry_run`."""
    tail = (labels.group, labels.resource, labels.scope, labels.subresource, labels.verb, labels.version)
    return ("apiserver", labels.dry_run, *tail), ("apiserver", *tail)
