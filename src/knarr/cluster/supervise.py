"""The supervisor's process: `python -m knarr.cluster.supervise <data directory>`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from knarr.cluster import cleanup, network, processes
from knarr.cluster.config import Config, load
from knarr.cluster.parts import parts
from knarr.cluster.supervisor import AlreadyRunningError, Supervisor, lock


def supervise(config: Config) -> None:
    """Keep the cluster running until SIGTERM; then stop it and leave nothing behind."""

    def stopped(part: str) -> None:
        # From here on nobody restarts containers, and containerd is still there to see them end.
        if part in ("agent", "kubelet"):
            cleanup.stop_containers(config)

    network.ensure(config)
    Supervisor(config.run, config.logs, lambda: parts(config), stopped).serve()
    cleanup.sweep(config)


def main() -> int:
    config = load(Path(sys.argv[1]))
    if config is None:
        sys.stderr.write(f"no cluster in {sys.argv[1]}\n")
        return 1
    try:
        lock(config.run)
    except (AlreadyRunningError, FileNotFoundError):
        return 0
    processes.record(config.supervisor_pid, os.getpid())
    supervise(config)
    config.supervisor_pid.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
