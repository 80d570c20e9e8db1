"""What the kernel knows of this process, as every Prometheus client tells it."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from knarr.apiserver.metrics.families import CPU_SECONDS, MAX_FDS, OPEN_FDS, RESIDENT, STARTED, VIRTUAL
from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Family

_SELF = Path("/proc/self")
_TICK = os.sysconf("SC_CLK_TCK")


def tell_of_process(metrics: Metrics) -> None:
    """Read at each look: processor time, memory, files, and when it all began."""
    for family in (CPU_SECONDS, MAX_FDS, OPEN_FDS, RESIDENT, STARTED, VIRTUAL):
        metrics.ask(family, lambda family=family: [((), _read(family))])  # type: ignore[misc]


def _read(family: Family) -> float:
    if family is MAX_FDS:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if family is OPEN_FDS:
        return sum(1 for _ in (_SELF / "fd").iterdir())
    if family is CPU_SECONDS:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime
    fields = (_SELF / "stat").read_text().rpartition(")")[2].split()  # proc(5), from the state on
    if family is STARTED:
        return _boot_time() + int(fields[19]) / _TICK
    return int(fields[20]) if family is VIRTUAL else int(fields[21]) * resource.getpagesize()


def _boot_time() -> float:
    stat = Path("/proc/stat").read_text().splitlines()
    return float(next(line.split()[1] for line in stat if line.startswith("btime ")))
