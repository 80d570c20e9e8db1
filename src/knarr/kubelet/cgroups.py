"""The pod's control group: `<root>[/<qos>]/pod<uid>`, in every v1 hierarchy or the one of v2.

Containers' own groups below it are the runtime's. Source: https://docs.kernel.org/admin-guide/cgroup-v2.html and
cgroup-v1/.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from knarr.kubelet.cri.runtime import Limits
from knarr.kubelet.objects import Pod
from knarr.kubelet.resources import pod_limits, qos_class

CONTROLLERS = ("cpu", "memory", "pids", "cpuset", "io")


def cgroup_parent(root: str, pod: Pod) -> str:
    """The path of the pod's cgroup, as the runtime is told it."""
    qos = qos_class(pod)
    middle = "" if qos == "Guaranteed" else f"/{qos.lower()}"
    return f"{root}{middle}/pod{pod.uid}"


def weight(cpu_shares: int) -> int:
    """v2's cpu.weight for v1's shares: 2..262144 onto 1..10000."""
    return 1 + (cpu_shares - 2) * 9999 // 262142


def files_v1(limits: Limits) -> dict[str, dict[str, str]]:
    """By controller, the files to write."""
    cpu = {"cpu.shares": str(limits.cpu_shares)}
    if limits.cpu_quota:
        cpu |= {"cpu.cfs_period_us": str(limits.cpu_period), "cpu.cfs_quota_us": str(limits.cpu_quota)}
    return {"cpu": cpu, "memory": {"memory.limit_in_bytes": str(limits.memory)} if limits.memory else {}}


def files_v2(limits: Limits) -> dict[str, str]:
    files = {"cpu.weight": str(weight(limits.cpu_shares))}
    if limits.cpu_quota:
        files["cpu.max"] = f"{limits.cpu_quota} {limits.cpu_period}"
    if limits.memory:
        files["memory.max"] = str(limits.memory)
    return files


def kill_all(group: Path) -> None:
    """Kill the processes of this cgroup, those below it excepted; returns before they are gone."""
    for pid in map(int, (group / "cgroup.procs").read_text().split()):
        if pid:  # 0 is one of another PID namespace
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Cgroups:
    """Makes and removes pods' cgroups below `root` (as "/knarr"); `mount` is where the kernel shows them."""

    def __init__(self, root: str, mount: Path = Path("/sys/fs/cgroup")) -> None:
        self.root, self.mount = root, mount
        self.unified = (mount / "cgroup.controllers").exists()

    def create(self, pod: Pod) -> str:
        """Make the pod's cgroup and set its limits; returns its path. Raises OSError."""
        parent, limits = cgroup_parent(self.root, pod), pod_limits(pod)
        if self.unified:
            self.write(self.make_v2(parent), files_v2(limits))
            return parent
        for controller, files in files_v1(limits).items():
            if (self.mount / controller).is_dir():
                folder = self.mount / controller / parent[1:]
                folder.mkdir(parents=True, exist_ok=True)
                self.write(folder, files)
        return parent

    def make_v2(self, parent: str) -> Path:
        """Each level hands its controllers down before the next exists."""
        folder = self.mount
        available = set((folder / "cgroup.controllers").read_text().split())
        for part in parent[1:].split("/"):
            enable = " ".join(f"+{name}" for name in CONTROLLERS if name in available)
            (folder / "cgroup.subtree_control").write_text(enable)
            folder /= part
            folder.mkdir(exist_ok=True)
        return folder

    def write(self, folder: Path, files: dict[str, str]) -> None:
        for name, value in files.items():
            (folder / name).write_text(value)

    def folders(self, path: str) -> Iterator[Path]:
        """Where this cgroup is, in each hierarchy that has it."""
        hierarchies = [self.mount] if self.unified else [entry for entry in self.mount.iterdir() if entry.is_dir()]
        yield from (folder for hierarchy in hierarchies if (folder := hierarchy / path[1:]).is_dir())

    def known(self) -> set[str]:
        """UIDs of the pods that have a cgroup."""
        parents = [f"{self.root}{qos}" for qos in ("", "/burstable", "/besteffort")]
        found = (group for parent in parents for folder in self.folders(parent) for group in folder.glob("pod*"))
        return {group.name.removeprefix("pod") for group in found}

    def remove(self, uid: str) -> None:
        """Remove the pod's cgroup and what is left below it; parents too once they are empty."""
        for qos in ("", "/burstable", "/besteffort"):
            for folder in self.folders(f"{self.root}{qos}/pod{uid}"):
                self.remove_tree(folder)
                self.remove_empty_parents(folder.parent)

    def remove_tree(self, folder: Path) -> None:
        for child in folder.iterdir():
            if child.is_dir():
                self.remove_tree(child)
        try:
            folder.rmdir()
        except OSError:  # what the runtime has lost, as a runc whose containerd was killed: the sweep comes again
            kill_all(folder)

    def remove_empty_parents(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            while folder.name and self.root[1:] in folder.as_posix():
                folder.rmdir()
                folder = folder.parent
