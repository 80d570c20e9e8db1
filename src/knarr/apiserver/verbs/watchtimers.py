"""When a watch ends, and when it is told how far it has come."""

from __future__ import annotations

from collections.abc import Callable

from knarr.apiserver.deadlines import Deadline, Deadlines
from knarr.apiserver.registry import Options

_GRID = 6  # points in each interval


class WatchTimers:
    """The deadlines of one watch."""

    def __init__(
        self,
        deadlines: Deadlines,
        options: Options,
        end: Callable[[], None],
        bookmark: Callable[[], None] | None,
        timeout: float | None,
    ) -> None:
        self._deadlines, self._interval, self._send = deadlines, options.bookmark_interval, bookmark
        least = options.watch_timeout
        self._end = deadlines.after(timeout or least * (1 + options.random.random()), end)
        self._next: Deadline | None = None
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
        due = self._deadlines.now() + self._interval
        self._next = self._deadlines.after(self._interval - due % grid, self._bookmark)

    def _bookmark(self) -> None:
        if self._send:
            self._send()
        if self._send:  # which the bookmark may have ended
            self._schedule()
