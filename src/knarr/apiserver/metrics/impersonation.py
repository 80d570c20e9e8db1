"""Who acts as somebody else: attempts, and what the authorizer was asked for them (KEP-5284)."""

from __future__ import annotations

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Family

_LABELS, _BOUNDS = ("mode", "decision"), tuple(0.001 * 2**n for n in range(15))


def _families(name: str, what: str) -> tuple[Family, Family]:
    """How many, and how long they take in seconds."""
    split = "split by mode and decision."
    return (
        Family(f"apiserver_impersonation_{name}_total", "counter", f"Total number of {what} {split}", _LABELS),
        Family(
            f"apiserver_impersonation_{name}_duration_seconds",
            "histogram",
            f"Latency of {what} in seconds {split}",
            _LABELS,
            _BOUNDS,
        ),
    )


ATTEMPTS = _families("attempts", "impersonation attempts")
QUESTIONS = _families("authorization_attempts", "authorization checks made by the impersonation handler")


class ImpersonationFigures:
    """Figures of one server. A mode without a name is the old way; that of an attempt that failed is not told."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self.now = clock.monotonic

    def attempted(self, mode: str | None, started: float) -> None:
        """Somebody may act by a mode; None: by none."""
        self._record(ATTEMPTS, "" if mode is None else mode or "legacy", mode is not None, started)

    def asked(self, mode: str, allowed: bool, started: float) -> None:
        """The authorizer was asked for a mode's sake."""
        self._record(QUESTIONS, mode or "legacy", allowed, started)

    def _record(self, families: tuple[Family, Family], mode: str, allowed: bool, started: float) -> None:
        total, duration = families
        labels = (mode, "allowed" if allowed else "denied")
        self._metrics.count(total, labels).n += 1
        self._metrics.spread(duration, labels).observe(self.now() - started)
