"""Who guards the guard: the cluster's parts start a new supervisor when theirs dies.

Every part watches the supervisor's pidfd, which costs nothing while it lives. When it ends without having stopped the
part first, each part starts a successor; the lock lets one of them stay.
"""

from __future__ import annotations

import asyncio
import logging
import os

from knarr.cluster import processes
from knarr.cluster.config import Config
from knarr.cluster.succession import launch_supervisor

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds between tries while no supervisor is to be seen


async def guard(config: Config) -> None:
    """Keep a supervisor alive, until cancelled."""
    while True:
        supervisor = processes.find(config.supervisor_pid)
        if supervisor:
            try:
                await _readable(supervisor.fd)
            finally:
                os.close(supervisor.fd)
        log.warning("the supervisor is gone; starting another")
        launch_supervisor(config)
        await asyncio.sleep(PATIENCE)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
