"""What the benchmarks share: processor time and memory of processes, percentiles, lines of figures.

Wall time on a busy machine says little; the processor time that a process used is the figure to trust.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its ended threads and children included.

    The kernel rounds to 10 ms, but adds up exactly, so short wake-ups are not lost.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[n]) for n in (11, 12, 13, 14)) / _TICK


def memory(pid: int) -> dict[str, int]:
    """A process's memory in bytes, as /proc/PID/smaps_rollup sums it up: `Pss`, `Private_Dirty` and the like."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) << 10 for name, _, rest in (line.partition(":") for line in lines)}


def p50_p99(values: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    if len(values) < 2:
        return values[0], values[0]
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def say(name: str, *figures: str) -> None:
    """Print a line: what, and its figures in columns."""
    print(f"{name:36}" + "".join(f"{figure:>20}" for figure in figures), flush=True)
