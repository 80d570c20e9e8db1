"""A file of configuration that takes effect when it changes.

It is looked at with the requests that depend on it, at most once a second: an idle server does not poll, and whoever
comes after a change finds it done. What cannot be used changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from knarr.apiserver.configfiles import ConfigFileError, digest_of
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.reloads import ReloadFigures
from knarr.machinery.clock import Clock
from knarr.wire.following import mark_of

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds


class Reloaded:
    """The file `path`, from which `apply` makes what is in force; it raises ConfigFileError. `subject` is
    "authorization" or "authentication".
    """

    def __init__(
        self, path: Path, apply: Callable[[bytes], None], subject: str, metrics: Metrics, clock: Clock
    ) -> None:
        self._path, self._apply, self._subject, self._clock = path, apply, subject, clock
        self._mark, self._looked = mark_of(path), clock.monotonic()
        self._text = path.read_bytes()
        self._figures = ReloadFigures(subject, metrics, clock)
        self._figures.loaded(digest_of(self._text))

    def look(self) -> None:
        """Apply what the file says now, if that is something else than the last time."""
        now = self._clock.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if (mark := mark_of(self._path)) != self._mark:
            self._mark = mark
            self._reload()

    def _reload(self) -> None:
        try:
            text = self._path.read_bytes()
            if text == self._text:
                return
            self._text = text
            self._apply(text)
        except (OSError, ConfigFileError) as error:
            log.error("the %s configuration stays as it was: %s", self._subject, error)  # the file's fault
            self._figures.reloaded(succeeded=False)
            return
        log.info("the %s configuration was reloaded", self._subject)
        self._figures.reloaded(succeeded=True)
        self._figures.loaded(digest_of(text))
