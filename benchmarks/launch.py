"""From `knarr up` to an API that is ready, a node that is Ready and a first Pod that runs.

python -m benchmarks.launch [rounds]

The first start makes the certificates; later ones find everything in place. The Pod is asked for as soon as the API is
ready, so its time holds what is left of the node's start.
"""

from __future__ import annotations

import asyncio
import sys
import time

from benchmarks.clusters import Cluster, new_cluster, remove_pods, run_pods
from benchmarks.measuring import cpu_seconds, say
from knarr.cluster.pause import sandbox_image

POD = "first"
Times = dict[str, float]


def main(rounds: int = 3) -> None:
    first: list[Times] = []
    later: list[Times] = []
    for _ in range(rounds):
        with new_cluster() as cluster:
            first.append(measure(cluster))
            cluster.run("down")
            later.append(measure(cluster))
    say("launch", "first start", "later start")
    for name in first[0]:
        say(name, *(f"{min(times[name] for times in starts):.2f} s" for starts in (first, later)))


def measure(cluster: Cluster) -> Times:
    """Bring the cluster up once; the seconds to each stage, and the processor time that it took."""
    times: Times = {}
    started = time.perf_counter()
    for line, seconds in cluster.up():
        if line.startswith("API server ready"):
            times["API ready"] = seconds
        elif line.startswith("Node "):
            times["node Ready"] = seconds
            asyncio.run(_first_pod(cluster))
            times["first Pod Ready"] = time.perf_counter() - started
    for name, pid in cluster.pids().items():
        times[f"  CPU of {name}"] = cpu_seconds(pid)
    asyncio.run(_clear(cluster))
    return times


async def _first_pod(cluster: Cluster) -> None:
    api = cluster.client()
    await run_pods(api, sandbox_image(), [POD])
    await api.close()


async def _clear(cluster: Cluster) -> None:
    api = cluster.client()
    await remove_pods(api, [POD])
    await api.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
