"""How long admission takes."""

from __future__ import annotations

from knarr.apiserver.metrics.families import STEP_DURATION
from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Spread


class Durations:
    """Of whole rounds, by what is done to the object, the round, and whether it was refused."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self._spreads: dict[tuple[str, str, bool], Spread] = {}

    def of(self, operation: str, round: str) -> Round:
        """Measures what is done within it; an exception is a refusal."""
        return Round(self, self._clock, operation, round)

    def spread(self, operation: str, round: str, rejected: bool) -> Spread:
        case = (operation, round, rejected)
        found = self._spreads.get(case)
        if found is None:
            labels = (operation, str(rejected).lower(), round)
            found = self._spreads[case] = self._metrics.spread(STEP_DURATION, labels)
        return found


class Round:
    """One round of one write, timed from `with` to its end."""

    __slots__ = ("_clock", "_durations", "_operation", "_round", "_started")

    def __init__(self, durations: Durations, clock: Clock, operation: str, round: str) -> None:
        self._durations, self._clock, self._operation, self._round = durations, clock, operation, round

    def __enter__(self) -> None:
        self._started = self._clock.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        spread = self._durations.spread(self._operation, self._round, kind is not None)
        spread.observe(self._clock.monotonic() - self._started)
