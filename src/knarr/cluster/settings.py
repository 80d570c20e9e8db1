"""What the controllers are told at their start, under the names of upstream's flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from knarr.cluster.config import Config


class Settings(Mapping[str, str]):
    """Texts, and the contents of files: these are read whenever somebody asks, since who renews one tells nobody, and a
    key is nowhere longer than it is used. Raises OSError where a file is gone.
    """

    def __init__(self, texts: Mapping[str, str], files: Mapping[str, Path]) -> None:
        self._texts, self._files = texts, files

    def __getitem__(self, name: str) -> str:
        return self._files[name].read_text() if name in self._files else self._texts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files or name in self._texts

    def __iter__(self) -> Iterator[str]:
        yield from self._texts
        yield from self._files

    def __len__(self) -> int:
        return len(self._texts) + len(self._files)


def settings_of(config: Config) -> Settings:
    """The settings of a cluster's controllers."""
    authority = config.pki / "ca.crt"
    files = {
        "root-ca-file": authority,
        "cluster-signing-cert-file": authority,
        "cluster-signing-key-file": config.pki / "ca.key",
    }
    return Settings({"service-cluster-ip-range": config.service_cidr}, files)
