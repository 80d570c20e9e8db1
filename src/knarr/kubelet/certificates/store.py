"""Where a certificate is kept with its key: dated files, of which a link names the current one.

Names and layout are upstream's: `kubelet-client-2026-11-21-08-58-39.pem` and `kubelet-client-current.pem`.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from knarr.machinery.certificates import Certificate, certificate_of

CLIENT, SERVING = "kubelet-client", "kubelet-server"  # what the files of each purpose are called


class Store:
    """The certificates of one purpose; `name` begins their files' names. Files are 0600, the directory 0700."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory, self._name = directory, name

    @property
    def current(self) -> Path:
        """Certificate and key in one file, for whoever uses them: it may not be there yet, and changes."""
        return self._directory / f"{self._name}-current.pem"

    def read(self) -> Certificate | None:
        """The current certificate; None where there is none that can be read."""
        try:
            return certificate_of(self.current.read_bytes())
        except (OSError, ValueError):
            return None

    def keep(self, certificate: bytes, key: bytes, now: datetime) -> None:
        """Make these (PEM) the current ones, whole or not at all. Raises OSError."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        before = self.current.resolve()
        dated = self._directory / f"{self._name}-{now:%Y-%m-%d-%H-%M-%S}.pem"
        _write(dated, certificate.rstrip() + b"\n" + key)
        draft = self._directory / f"{self._name}-updated.pem"
        draft.unlink(missing_ok=True)
        draft.symlink_to(dated.name)
        draft.replace(self.current)
        self._forget_all_but({dated.name, before.name})

    def _forget_all_but(self, names: set[str]) -> None:
        for file in self._directory.glob(f"{self._name}-[0-9]*.pem"):
            if file.name not in names:
                file.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """On the disk before it is named: a key that a power cut took could not be asked for again by an expired client."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
