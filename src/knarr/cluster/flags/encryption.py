"""Flags about what is encrypted at rest."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Encryption(Flags, frozen=True, kw_only=True):
    """Nothing is encrypted unless a file says so."""

    encryption_provider_config: Annotated[
        File, Text(description="an EncryptionConfiguration: what is encrypted in the store, and how")
    ] = File("")
    encryption_provider_config_automatic_reload: Annotated[
        bool, Text(description="whether that file is read again when it changes")
    ] = False

    def problems(self) -> list[str]:
        if self.encryption_provider_config_automatic_reload and not self.encryption_provider_config:
            return ["--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"]
        return []
