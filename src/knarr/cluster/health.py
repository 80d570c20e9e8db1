"""What runs of a cluster, since when, at what cost, and how it says it is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from knarr.client.resources import NODES
from knarr.cluster import processes
from knarr.cluster.config import Config
from knarr.cluster.identities import client
from knarr.cluster.nodes import Node
from knarr.cluster.parts import parts
from knarr.machinery.times import human_duration

PATIENCE = 5.0  # seconds for the API server to answer


def report(config: Config) -> tuple[Sequence[str], bool]:
    """Lines for a person, and whether everything that should run runs and every node is Ready."""
    names = ["supervisor", *(part.name for part in parts(config))]
    rows = [_row(name, config.run / f"{name}.pid") for name in names]
    nodes, ready = asyncio.run(_nodes(config)) if all(rows[1:]) else (["API server   not running"], False)
    lines = [f"Cluster {config.name}  {config.api_url}  data in {config.root}"]
    lines += [row or f"{name:20} not running" for name, row in zip(names, rows, strict=True)]
    return [*lines, *nodes], ready and all(rows)


def _row(name: str, pid_file: Path) -> str:
    pid = processes.pid_of(pid_file)
    if not pid:
        return ""
    ticks = os.sysconf("SC_CLK_TCK")
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(processes.start_time(pid)) / ticks
    return f"{name:20} running  pid {pid:<8} {human_duration(age):8} {_memory(pid) >> 20} MiB"


def _memory(pid: int) -> int:
    """Proportional set size, bytes: shared pages are counted once over all who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0


async def _nodes(config: Config) -> tuple[list[str], bool]:
    admin = client(config, "admin")
    try:
        async with asyncio.timeout(PATIENCE):
            nodes = await admin.list(NODES, view=Node)
    except (ConnectionError, TimeoutError) as error:
        return [f"API server           not answering: {error or 'no answer in time'}"], False
    finally:
        await admin.close()
    lines = [f"node {node.metadata.name:15} {'Ready' if node.ready else 'NotReady'}" for node in nodes.items]
    return lines, bool(nodes.items) and all(node.ready for node in nodes.items)
