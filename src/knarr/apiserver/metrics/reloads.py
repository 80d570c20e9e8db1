"""How it went with files of configuration that have changed."""

from __future__ import annotations

import hashlib
import socket

from knarr.machinery.clock import Clock
from knarr.machinery.figures import Family, Figures

_SERVER = ("apiserver_id_hash", "status")


class ReloadFigures:
    """Of one file; `subject` is what it configures. `server`: by what this server's figures are told from others'."""

    def __init__(self, subject: str, figures: Figures, clock: Clock) -> None:
        self._figures, self._clock = figures, clock
        self.server = f"sha256:{hashlib.sha256(socket.gethostname().encode()).hexdigest()}"
        self._hash = ""
        prefix, of = f"apiserver_{subject}_config_controller", f"of {subject} configuration"
        self._total = Family(
            f"{prefix}_automatic_reloads_total",
            "counter",
            f"Total number of automatic reloads {of} split by status and apiserver identity.",
            _SERVER,
        )
        self._last = Family(
            f"{prefix}_automatic_reload_last_timestamp_seconds",
            "gauge",
            f"Timestamp of the last automatic reload {of} split by status and apiserver identity.",
            _SERVER,
        )
        info = Family(
            f"{prefix}_last_config_info",
            "gauge",
            f"Information about the last applied {subject} configuration with hash as label, split by apiserver "
            "identity.",
            ("apiserver_id_hash", "hash"),
        )
        figures.ask(info, lambda: [((self.server, self._hash), 1)])

    def reloaded(self, *, succeeded: bool) -> None:
        labels = (self.server, "success" if succeeded else "failure")
        self._figures.count(self._total, labels).n += 1
        self._figures.count(self._last, labels).n = int(self._clock.now().timestamp())

    def loaded(self, hash: str) -> None:
        """What is in force now, by the hash of its text."""
        self._hash = hash
