"""A file of configuration that takes effect when it changes.

It is looked at with the requests that depend on it, at most once a second: an idle server does not poll, and whoever
comes after a change finds it done. What cannot be used changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.reloads import ReloadFigures
from knarr.machinery.clock import Clock

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
        self._mark, self._looked = _mark(path), clock.monotonic()
        self._text = path.read_bytes()
        self._figures = ReloadFigures(subject, metrics, clock)
        self._figures.loaded(_hash(self._text))

    def look(self) -> None:
        """Apply what the file says now, if that is something else than the last time."""
        now = self._clock.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if (mark := _mark(self._path)) != self._mark:
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
        self._figures.loaded(_hash(text))


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Tells contents apart without reading them."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hash(text: bytes) -> str:
    return f"sha256:{hashlib.sha256(text).hexdigest()}"
