"""Memory and processor time of a cluster whose one node has nothing to do.

python -m benchmarks.idle [seconds to measure] [seconds to settle]

The registry of built images takes part only where images were built, and is told apart.
"""

from __future__ import annotations

import sys
import time

from benchmarks.clusters import Cluster, running_cluster
from benchmarks.measuring import cpu_seconds, memory, say

MIB = 1 << 20


def main(seconds: float = 60, settle: float = 60) -> None:
    with running_cluster() as cluster:
        measure(cluster, seconds, settle)


def measure(cluster: Cluster, seconds: float, settle: float) -> None:
    """Watch a running cluster do nothing, and print what that cost."""
    time.sleep(settle)
    pids = cluster.pids()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    say("idle", "PSS", "private", "CPU")
    total = [0.0, 0.0, 0.0]
    for name, pid in pids.items():
        used = memory(pid)
        private = used["Private_Dirty"] + used["Private_Clean"]
        cpu = cpu_seconds(pid) - before[name]
        figures = (used["Pss"] / MIB, private / MIB, cpu / seconds * 100)
        say(f"  {name}", *_columns(*figures))
        if name != "registry":
            total = [sum(pair) for pair in zip(total, figures, strict=True)]
    say("all, without the registry", *_columns(*total))


def _columns(pss: float, private: float, cpu: float) -> tuple[str, str, str]:
    return f"{pss:.1f} MiB", f"{private:.1f} MiB", f"{cpu:.3f} %"


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
