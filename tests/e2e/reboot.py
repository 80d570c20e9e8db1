"""A machine's power cut and boot, as far as one cluster notices: no process, mount, cgroup or interface is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from knarr.cluster.config import Config

CGROUPS = Path("/sys/fs/cgroup")


def power_cut(config: Config) -> None:
    """Kill everything at once, then forget what only the kernel and /run remember."""
    while victims := list(_processes(config)):
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        if (point := line.split()[4]).startswith((f"{config.root}/", f"{config.run}/")):
            subprocess.run(["umount", "--lazy", point], check=True)
    shutil.rmtree(config.run)
    for group in _cgroups(config):
        group.rmdir()
    subprocess.run(["nft", "delete", "table", "inet", config.nft_table], check=True)
    subprocess.run(["ip", "link", "delete", config.bridge], check=True)


def _processes(config: Config) -> Iterator[int]:
    """The cluster's own processes, by their command lines, and those in its containers; zombies left out."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            ours = str(config.root) in command or str(config.run) in command
            inside = f":/{config.cgroup}/" in (process / "cgroup").read_text()
            if command and (ours or inside) and int(process.name) != os.getpid():
                yield int(process.name)


def _cgroups(config: Config) -> Iterator[Path]:
    for top in (CGROUPS, *CGROUPS.iterdir()):
        for folder, _, _ in os.walk(top / config.cgroup, topdown=False):
            yield Path(folder)
