"""Counting answers: one changes the verdict only when enough of a kind came in a row."""

from __future__ import annotations


class Tally:
    """Thresholds of a probe, and the row of equal answers so far."""

    def __init__(self, success_threshold: int, failure_threshold: int) -> None:
        self._thresholds = {True: success_threshold, False: failure_threshold}
        self._last: bool | None = None
        self._row = 0

    def add(self, success: bool) -> bool | None:
        """The verdict that this answer brings or confirms; None while the row is too short to say."""
        self._row = self._row + 1 if success == self._last else 1
        self._last = success
        return success if self._row >= self._thresholds[success] else None
