"""When a watch ends, and when it is told how far it has come."""

from __future__ import annotations

from collections.abc import Callable

from knarr.apiserver.registry import Options
from knarr.runtime.timers import Timer, Timers

_GRID = 6  # points in each interval


class WatchTimers:
    """The two timers of one watch."""

    def __init__(
        self,
        timers: Timers,
        options: Options,
        end: Callable[[], None],
        bookmark: Callable[[], None] | None,
        timeout: float | None,
    ) -> None:
        self._timers, self._interval, self._send = timers, options.bookmark_interval, bookmark
        least = options.watch_timeout
        self._end = timers.after(timeout or least * (1 + options.random.random()), end)
        self._next: Timer | None = None
        if bookmark:
            self._schedule()

    def cancel(self) -> None:
        self._send = None
        self._end.cancel()
        if self._next:
            self._next.cancel()

    def _schedule(self) -> None:
        """Bookmarks of many watches fall on common points of time, so that an idle server wakes seldom."""
        grid = self._interval / _GRID
        due = self._timers.now() + self._interval
        self._next = self._timers.after(self._interval - due % grid, self._bookmark)

    def _bookmark(self) -> None:
        if self._send:
            self._send()
        if self._send:  # which the bookmark may have ended
            self._schedule()
