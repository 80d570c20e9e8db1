"""How a supervisor is started: by `knarr up`, by the parts that miss theirs (guardian.py), and by the sentry.

The parts may be dead themselves, waiting for the supervisor to start them again; so there is also a sentry, a shell
asleep on the supervisor's lock.
"""

from __future__ import annotations

import sys

from knarr.cluster import processes
from knarr.cluster.config import Config


def launch_supervisor(config: Config) -> processes.Process:
    """Start a supervisor for the cluster, detached; it ends by itself where another one is faster."""
    return processes.launch(_supervise(config), config.logs / "supervisor.log", {})


def sentry(config: Config) -> processes.Part:
    """A process that depends on nothing of ours and starts a successor whenever nobody holds the supervisor's lock."""
    script = 'while flock "$0" true && [ -e "$0" ]; do "$@"; sleep 1; done'
    return processes.Part("sentry", ("sh", "-c", script, str(config.run / "supervisor.lock"), *_supervise(config)))


def _supervise(config: Config) -> tuple[str, ...]:
    return (sys.executable, "-m", "knarr.cluster.supervise", str(config.root))
