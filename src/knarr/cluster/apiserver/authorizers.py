"""Who may do what: the API server's authorizers as its flags, or a file that they name, say."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from knarr.apiserver.authz.configuration import Authorization, Webhook, by_modes, read_configuration
from knarr.apiserver.authz.table import DEFAULT
from knarr.apiserver.configfiles import ConfigFileError
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError


def authorization(config: Config) -> Authorization:
    """What to make authorizers of. Raises UserError."""
    flags = config.api.authorization
    policies = Path(flags.authorization_policy_file) if flags.authorization_policy_file else None
    if flags.authorization_config:
        try:
            return replace(read_configuration(Path(flags.authorization_config)), policies=policies)
        except ConfigFileError as error:
            raise UserError(f"--authorization-config: {error}") from None
    if not flags.authorization_mode:
        return DEFAULT
    webhook = Webhook(
        file=Path(flags.authorization_webhook_config_file),
        version=flags.authorization_webhook_version,
        seconds_allowed=flags.authorization_webhook_cache_authorized_ttl,
        seconds_refused=flags.authorization_webhook_cache_unauthorized_ttl,
    )
    return by_modes(flags.authorization_mode, policies, webhook)
