"""What this machine is and has, as the Node object tells it; read from /proc, /sys and /etc."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from knarr.client.objects import JSON

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}  # Go's names
_KIB = 1024
_MEMORY_KEPT = 100 * _KIB * _KIB  # bytes that pods cannot have: upstream's hard eviction threshold
_LEAST_DISK, _LEAST_INODES = 0.10, 0.05  # free parts of the filesystem below which it is under pressure
_HUGE_PAGES = Path("/sys/kernel/mm/hugepages")


@dataclass(frozen=True, slots=True)
class Pressure:
    """Which resources run short."""

    memory: bool = False
    disk: bool = False
    pids: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """`root` is where the pods' data lives: its filesystem is the ephemeral storage."""

    root: Path
    max_pods: int = 110

    @property
    def architecture(self) -> str:
        return _ARCHITECTURES.get(platform.machine(), platform.machine())

    def capacity(self) -> dict[str, str]:
        return {
            "cpu": str(os.cpu_count() or 1),
            "ephemeral-storage": f"{self._disk() // _KIB}Ki",
            **_huge_pages(),
            "memory": f"{_memory('MemTotal') // _KIB}Ki",
            "pods": str(self.max_pods),
        }

    def allocatable(self) -> dict[str, str]:
        """The capacity without what is kept so that the machine itself does not starve."""
        memory = max(_memory("MemTotal") - _MEMORY_KEPT, 0)
        disk = int(self._disk() * (1 - _LEAST_DISK))
        return {**self.capacity(), "ephemeral-storage": str(disk), "memory": f"{memory // _KIB}Ki"}

    def pressure(self) -> Pressure:
        disk = os.statvfs(self.root)
        full = disk.f_bavail < disk.f_blocks * _LEAST_DISK or disk.f_favail < disk.f_files * _LEAST_INODES
        return Pressure(_memory("MemAvailable") < _MEMORY_KEPT, full, _processes_left() < 1)

    def info(self) -> JSON:
        """`status.nodeInfo`, as far as the machine tells."""
        return {
            "machineID": _read("/etc/machine-id"),
            "systemUUID": _read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
            "bootID": _read("/proc/sys/kernel/random/boot_id"),
            "kernelVersion": platform.release(),
            "osImage": _os_image(),
            "operatingSystem": "linux",
            "architecture": self.architecture,
        }

    def _disk(self) -> int:
        status = os.statvfs(self.root)
        return status.f_blocks * status.f_frsize


def _memory(field: str) -> int:
    """A field of /proc/meminfo, in bytes."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith(f"{field}:")), 0)


def _processes_left() -> int:
    """How many more tasks the kernel would allow."""
    tasks = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    return int(_read("/proc/sys/kernel/pid_max")) - tasks


def _huge_pages() -> dict[str, str]:
    """`hugepages-2Mi` and the like: every size that the kernel offers, also where none are reserved."""
    sizes = {int(entry.name.split("-")[1][:-2]): entry for entry in _HUGE_PAGES.glob("hugepages-*kB")}
    return {_resource(size): _amount(size, entry) for size, entry in sorted(sizes.items())}


def _resource(kib: int) -> str:
    return f"hugepages-{kib // _KIB**2}Gi" if not kib % _KIB**2 else f"hugepages-{kib // _KIB}Mi"


def _amount(kib: int, entry: Path) -> str:
    pages = int((entry / "nr_hugepages").read_text())
    return f"{pages * kib}Ki" if pages else "0"


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
