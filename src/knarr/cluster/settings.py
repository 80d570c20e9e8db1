"""What the controllers are told at their start, under the names of upstream's flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from knarr.cluster.apiserver.tokens import secret_key_file
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.signing import ALL


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
    """The settings of a cluster's controllers. Raises UserError where a file that a flag names is no good."""
    signing, tokens, pki = config.controllers.signing, config.controllers.secrettokens, config.pki
    authorities = {flags: (Path(certificate), Path(key)) for flags, certificate, key in signing.pairs()}
    for flags, pair in authorities.items():
        _check(flags, *pair)
    files = {"root-ca-file": pki / "ca.crt", "service-account-private-key-file": secret_key_file(config)}
    for flags, (certificate, key) in (authorities or {ALL: (pki / "ca.crt", pki / "ca.key")}).items():
        name = flags.replace("_", "-")
        files |= {f"{name}-cert-file": certificate, f"{name}-key-file": key}
    texts = {
        "cluster-signing-duration": f"{signing.cluster_signing_duration}s",
        "legacy-service-account-token-clean-up-period": f"{tokens.legacy_service_account_token_clean_up_period}s",
        "service-cluster-ip-range": config.service_cidr,
    }
    return Settings(texts, files)


def _check(flags: str, certificate: Path, key: Path) -> None:
    """Raises UserError for what is no authority."""
    from knarr.controllers.authority import Authority  # here: its library is needed by nobody else at a start

    name = flags.replace("_", "-")
    try:
        Authority.read(certificate.read_bytes(), key.read_bytes())
    except OSError as error:
        raise UserError(f"{error.filename}, which --{name} names, cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"--{name}-cert-file {certificate}, --{name}-key-file {key}: {error}") from None
