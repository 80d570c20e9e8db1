"""How long admission takes."""

from __future__ import annotations

from knarr.apiserver.metrics.families import CONTROLLER_DURATION, STEP_DURATION
from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Spread

_TYPES = {"mutate": "admit", "validate": "validate"}


class PluginFigures:
    """How long one plugin takes over one operation in one round."""

    __slots__ = ("_called", "_metrics", "_type", "passed")

    def __init__(self, metrics: Metrics, called: tuple[str, str], type: str) -> None:
        self._metrics, self._called, self._type = metrics, called, type
        self.passed = metrics.spread(CONTROLLER_DURATION, (*called, "false", type))

    def rejected(self, seconds: float) -> None:
        self._metrics.spread(CONTROLLER_DURATION, (*self._called, "true", self._type)).observe(seconds)


class Durations:
    """Of whole rounds, by what is done to the object, the round, and whether it was refused."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics, self._clock = metrics, clock
        self._spreads: dict[tuple[str, str, bool], Spread] = {}

    def of(self, operation: str, round: str) -> Round:
        """Measures what is done within it; an exception is a refusal."""
        return Round(self, self._clock, operation, round)

    def plugin(self, name: str, operation: str, round: str) -> PluginFigures:
        """Of one plugin in one round."""
        return PluginFigures(self._metrics, (name, operation), _TYPES[round])

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
