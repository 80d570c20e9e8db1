"""What the kernel knows of this process, as every Prometheus client tells it."""

from __future__ import annotations

import gc
import os
import platform
import resource
from collections.abc import Iterator
from pathlib import Path

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Family, Sample

CPU_SECONDS = Family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.")
MAX_FDS = Family("process_max_fds", "gauge", "Maximum number of open file descriptors.")
OPEN_FDS = Family("process_open_fds", "gauge", "Number of open file descriptors.")
RESIDENT = Family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")
STARTED = Family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.")
VIRTUAL = Family("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.")
_GENERATION = ("generation",)
_COLLECTOR = {  # by the collector's own names
    "collected": Family("python_gc_objects_collected_total", "counter", "Objects collected during gc", _GENERATION),
    "uncollectable": Family(
        "python_gc_objects_uncollectable_total", "counter", "Uncollectable objects found during GC", _GENERATION
    ),
    "collections": Family(
        "python_gc_collections_total", "counter", "Number of times this generation was collected", _GENERATION
    ),
}
_PYTHON = Family(
    "python_info",
    "gauge",
    "Python platform information",
    ("implementation", "major", "minor", "patchlevel", "version"),
)

_SELF = Path("/proc/self")
_TICK = os.sysconf("SC_CLK_TCK")


def tell_of_process(metrics: Metrics) -> None:
    """Read at each look: processor time, memory, files, when it all began, and what the collector did."""
    for family in (CPU_SECONDS, MAX_FDS, OPEN_FDS, RESIDENT, STARTED, VIRTUAL):
        metrics.ask(family, lambda family=family: [((), _read(family))])  # type: ignore[misc]
    for name, family in _COLLECTOR.items():
        metrics.ask(family, lambda name=name: _collected(name))  # type: ignore[misc]
    implementation, version = platform.python_implementation(), platform.python_version()
    metrics.count(_PYTHON, (implementation, *platform.python_version_tuple(), version)).n = 1


def _collected(name: str) -> Iterator[Sample]:
    return (((str(generation),), figures[name]) for generation, figures in enumerate(gc.get_stats()))


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
