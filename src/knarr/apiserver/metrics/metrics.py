"""What is counted, and when it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from knarr.apiserver.metrics.exposition import Count, Sample, Spread, lines
from knarr.apiserver.metrics.families import (
    INFLIGHT,
    LONG_RUNNING,
    REQUEST_DURATION,
    REQUEST_SLI_DURATION,
    REQUESTS,
    RESPONSE_SIZES,
    Family,
)

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


_OTHERS = Labels("other", "", "", "", "", "")


class _Row:
    """One kind of request: how many by code, how long they took, how large their answers were."""

    __slots__ = ("codes", "running", "seconds", "sizes")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.seconds = Spread(REQUEST_DURATION.bounds)
        self.sizes = Spread(RESPONSE_SIZES.bounds)
        self.running = 0  # of those that go on: watches, logs, exec


class Metrics:
    """All that this server tells of itself."""

    def __init__(self) -> None:
        self.inflight = {"mutating": 0, "readOnly": 0}
        self._requests: dict[Labels, _Row] = {}
        self._counts: dict[Family, dict[tuple[str, ...], Count]] = {}
        self._spreads: dict[Family, dict[tuple[str, ...], Spread]] = {}
        self._read: list[tuple[Family, Callable[[], Iterable[Sample]]]] = []

    def answered(self, labels: Labels, code: int, seconds: float, size: int) -> None:
        """A request has been answered, as a whole."""
        row = self._requests.get(labels) or self._row(labels)
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

    def count(self, family: Family, labels: tuple[str, ...] = ()) -> Count:
        """The sum with these labels, to add to."""
        return self._counts.setdefault(family, {}).setdefault(labels, Count())

    def spread(self, family: Family, labels: tuple[str, ...] = ()) -> Spread:
        """The distribution with these labels, to observe values in."""
        spreads = self._spreads.setdefault(family, {})
        return spreads.get(labels) or spreads.setdefault(labels, Spread(family.bounds))

    def ask(self, family: Family, read: Callable[[], Iterable[Sample]]) -> None:
        """Have a family's samples read whenever somebody wants to see them."""
        self._read.append((family, read))

    def render(self) -> bytes:
        """Everything, in Prometheus' text form."""
        return "".join(f"{line}\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        rows = [(labels, row, _values(labels)) for labels, row in self._requests.items()]
        by_code = (((str(code), *long), n) for _, row, (long, _) in rows for code, n in row.codes.items())
        yield from lines(REQUESTS, by_code)
        yield from lines(REQUEST_DURATION, ((long, row.seconds) for _, row, (long, _) in rows))
        yield from lines(REQUEST_SLI_DURATION, ((short, row.seconds) for _, row, (_, short) in rows))
        yield from lines(RESPONSE_SIZES, ((short, row.sizes) for _, row, (_, short) in rows))
        yield from lines(LONG_RUNNING, ((short, row.running) for _, row, (_, short) in rows if row.running))
        yield from lines(INFLIGHT, (((kind,), n) for kind, n in self.inflight.items()))
        for family, counts in self._counts.items():
            yield from lines(family, counts.items())
        for family, spreads in self._spreads.items():
            yield from lines(family, spreads.items())
        for family, read in self._read:
            yield from lines(family, read())

    def _row(self, labels: Labels) -> _Row:
        return self._requests.setdefault(labels if len(self._requests) < _ROWS else _OTHERS, _Row())


def _values(labels: Labels) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values in the order of the families' labels, with and without `dry_run`."""
    tail = (labels.group, labels.resource, labels.scope, labels.subresource, labels.verb, labels.version)
    return ("apiserver", labels.dry_run, *tail), ("apiserver", *tail)
