"""What an API server encrypts its store with, as its flags say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from knarr.cluster.errors import UserError

if TYPE_CHECKING:
    from knarr.apiserver.encryption.keeping import Encryption
    from knarr.apiserver.kinds import Kinds
    from knarr.cluster.config import Config
    from knarr.machinery.clock import Clock


async def encryption_of(config: Config, clock: Clock, kinds: Kinds) -> Encryption | None:
    """Started, if anything is to be encrypted. Raises UserError."""
    flags = config.api.encryption
    if not flags.encryption_provider_config:
        return None
    from knarr.apiserver.configfiles import ConfigFileError
    from knarr.apiserver.encryption.keeping import Encryption

    path, reload = Path(flags.encryption_provider_config), flags.encryption_provider_config_automatic_reload
    found = Encryption(path, kinds, clock, reload=reload)
    try:
        await found.start()
    except ConfigFileError as error:
        raise UserError(f"--encryption-provider-config {path}: {error}") from None
    return found
