"""Leave nothing behind: what a stopped cluster's containers leave in the kernel is found by name and taken away.

Each step looks at the kernel, not at a record of ours, so it also clears up after a `kill -9` of everything. All steps
may run again.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from knarr.cluster.config import Config
from knarr.cluster.hostports import sweep_host_ports

CONTAINER_GRACE = 3.0  # seconds between SIGTERM and SIGKILL for what still runs in containers
CGROUPS = Path("/sys/fs/cgroup")
CNI_RESULTS = Path("/var/lib/cni/results")


def stop_containers(config: Config) -> None:
    """End everything that runs in the cluster's containers: SIGTERM, a moment, SIGKILL."""
    end_processes(_container_processes(config), CONTAINER_GRACE)


def sweep(config: Config) -> None:
    """Remove what is left of the cluster's containers and networks; nothing of the cluster may run any more."""
    end_processes(_shims(config), 0)
    end_processes(_container_processes(config), 0)
    for mount in _mounts(config):
        subprocess.run(["umount", "--lazy", mount], check=False, stderr=subprocess.DEVNULL)
    for group in _cgroups(config):
        with contextlib.suppress(OSError):
            group.rmdir()
    for result in list(_network_results(config)):
        result.unlink(missing_ok=True)
    sweep_host_ports(config.network)
    _quietly("nft", "delete", "table", "inet", config.nft_table)
    _quietly("ip", "link", "delete", config.bridge)


def end_processes(pids: Iterable[int], grace: float) -> None:
    """SIGTERM to all, up to `grace` seconds for all of them together, then SIGKILL; returns when they have ended."""
    waiting = select.poll()
    fds = {}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            fds[fd] = pid
            waiting.register(fd, select.POLLIN)
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if fds and patience:
            _signal_and_wait(fds, number, patience, waiting)
    for fd in fds:
        os.close(fd)


def _signal_and_wait(fds: dict[int, int], number: signal.Signals, patience: float, waiting: select.poll) -> None:
    for fd in fds:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, number)
    deadline = time.monotonic() + patience
    while fds and (left := deadline - time.monotonic()) > 0:
        for fd, _ in waiting.poll(left * 1000):
            waiting.unregister(fd)
            os.close(fd)
            del fds[fd]


def _container_processes(config: Config) -> list[int]:
    return [
        int(line) for group in _cgroups(config) for line in _lines(group / "cgroup.procs") if int(line) != os.getpid()
    ]


def _cgroups(config: Config) -> list[Path]:
    """The cluster's cgroups in every hierarchy, children before parents."""
    tops = [CGROUPS / config.cgroup, *(top / config.cgroup for top in CGROUPS.iterdir() if top.is_dir())]
    return [
        Path(folder) for top in tops if top.is_dir() for folder, _, _ in os.walk(top, topdown=False, followlinks=False)
    ]


def _shims(config: Config) -> Iterator[int]:
    """The shims of containerd, which outlive it: known by the socket that they were started with."""
    socket = os.fsencode(config.containerd_socket)
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"containerd-shim" in words[0] and socket in words:
                    yield int(process.name)


def _mounts(config: Config) -> list[str]:
    """Mount points below the cluster's folders, the last mounted first."""
    below = tuple(f"{folder}/" for folder in (config.root, config.run))
    points = [_unescaped(line.split()[4]) for line in _lines(Path("/proc/self/mountinfo"))]
    return [point for point in reversed(points) if point.startswith(below)]


def _network_results(config: Config) -> Iterator[Path]:
    """What libcni remembers of the cluster's Pods, in a folder that all networks of the machine share."""
    ours = re.compile(rf"{re.escape(config.network)}-([0-9a-f]{{64}})-eth0")
    for path in CNI_RESULTS.glob(f"{config.network}-*"):
        if found := ours.fullmatch(path.name):
            yield path
            yield CNI_RESULTS / f"cni-loopback-{found[1]}-lo"


def _unescaped(field: str) -> str:
    """A field of mountinfo: blanks and backslashes are written in octal (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _quietly(*command: str) -> None:
    """Run a command whose failure means that there was nothing to do."""
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
