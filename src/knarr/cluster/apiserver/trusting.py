"""Servers of aggregated APIs are told of authorities that have changed: of those that vouch for clients, and for us."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.effects.effect import RefusedError
from knarr.cluster.apiserver.authentication import client_authorities, extension_authentication, proxy_authorities
from knarr.cluster.config import Config
from knarr.machinery.clock import Clock
from knarr.storage.store import StoreError

log = logging.getLogger(__name__)

LOOK = 60.0  # seconds; upstream's


async def keep_told(config: Config, clock: Clock, told: dict[str, str], tell: Callable[[], Awaitable[object]]) -> None:
    """Bring `told`, what they have been told, up to date whenever the files that flags name have changed, and `tell`.

    The cluster's own authorities stay, so there is nothing to do where no flag names others.
    """
    pending = False
    while config.api.serving.client_ca_file or config.api.authentication.requestheader_client_ca_file:
        await clock.sleep(LOOK)
        try:
            fresh = _fresh(config)
            pending = pending or fresh != told
            if pending:
                told.update(fresh)
                await tell()
                pending = False
        except (OSError, ValueError, StoreError, RefusedError) as error:
            log.warning("servers of aggregated APIs are not told of changed authorities: %s", error)


def _fresh(config: Config) -> dict[str, str]:
    """Raises OSError, and ValueError for a file that holds no certificate."""
    for file in (client_authorities(config), proxy_authorities(config)):
        Authorities(file)
    return extension_authentication(config)
