"""Who guards the guard: the cluster's parts start a new supervisor when theirs dies.

Every part watches the supervisor's pidfd, which costs nothing while it lives. When it ends without having stopped the
part first, each part starts a successor; the lock lets one of them stay. The parts may be dead themselves, waiting for
the supervisor to start them again; so there is also a sentry, a shell asleep on the supervisor's lock.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from knarr.cluster import processes
from knarr.cluster.config import Config

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds between tries while no supervisor is to be seen


async def guard(config: Config) -> None:
    """Keep a supervisor alive, until cancelled."""
    while True:
        supervisor = processes.find(config.run / "supervisor.pid")
        if supervisor:
            try:
                await _readable(supervisor.fd)
            finally:
                os.close(supervisor.fd)
        log.warning("the supervisor is gone; starting another")
        launch_supervisor(config)
        await asyncio.sleep(PATIENCE)


def launch_supervisor(config: Config) -> processes.Process:
    """Start a supervisor for the cluster, detached; it ends by itself where another one is faster."""
    return processes.launch(_supervise(config), config.logs / "supervisor.log", {})


def sentry(config: Config) -> processes.Part:
    """A process that depends on nothing of ours and starts a successor whenever nobody holds the supervisor's lock."""
    script = 'while flock "$0" true && [ -e "$0" ]; do "$@"; sleep 1; done'
    return processes.Part("sentry", ("sh", "-c", script, str(config.run / "supervisor.lock"), *_supervise(config)))


def _supervise(config: Config) -> tuple[str, ...]:
    return (sys.executable, "-m", "knarr.cluster.supervise", str(config.root))


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
