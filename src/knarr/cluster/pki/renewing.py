"""Certificates of a cluster that runs: renewed in time by its server, so that years without a restart do no harm."""

from __future__ import annotations

import asyncio
import logging

from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.machinery.clock import Clock

log = logging.getLogger(__name__)

FIRST_LOOK, LOOK = 60.0, 6 * 3600.0  # seconds: a server that starts has better things to do


async def keep(config: Config, clock: Clock) -> None:
    """Renew what is due, until cancelled. Where the authority's key is kept elsewhere, so is the duty."""
    await clock.sleep(FIRST_LOOK)
    while (config.pki / "ca.key").exists():
        try:
            await _renew_due(config, clock)
        except (OSError, ValueError, UserError) as error:
            log.warning("certificates could not be renewed: %s", error)
        await clock.sleep(LOOK)


async def _renew_due(config: Config, clock: Clock) -> None:
    from knarr.cluster.pki.certificates import due_leaves, renew  # after the start

    now = clock.now()
    if due := [*due_leaves(config, now)]:
        await asyncio.to_thread(renew, config, due, now)
        log.info("renewed certificates: %s", ", ".join(leaf.file for leaf in due))
