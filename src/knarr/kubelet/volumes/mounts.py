"""The kernel's mount table: tmpfs, bind mounts, and what is mounted where (mount(2), proc_pid_mountinfo(5))."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

_MS_BIND, _MS_REC = 4096, 16384
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_MOUNT_TABLE = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(target: Path, size: int = 0) -> None:
    """Mount a tmpfs that anybody may enter; no size, in bytes, means what the kernel allows (half of the memory)."""
    options = "mode=0777" + (f",size={size}" if size else "")
    _call("mount", b"tmpfs", os.fsencode(target), b"tmpfs", 0, options.encode(), about=target)


def bind(descriptor: int, target: Path) -> None:
    """Make what a descriptor refers to appear at `target`: unlike a path, it cannot be redirected meanwhile."""
    source = f"/proc/self/fd/{descriptor}".encode()
    _call("mount", source, os.fsencode(target), None, _MS_BIND | _MS_REC, None, about=target)


def unmount(target: Path) -> None:
    """Take a mount away; one that is busy disappears from the tree now and ends with its last user."""
    _call("umount2", os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW, about=target)


def mounts_below(directory: Path) -> list[Path]:
    """Every mount point at or below a directory, deepest first, so that they can be unmounted in this order."""
    prefix = os.path.realpath(directory)
    points = (_unescape(line.split(" ", 5)[4]) for line in _MOUNT_TABLE.read_text().splitlines())
    found = [point for point in points if point == prefix or point.startswith(prefix + "/")]
    return [Path(point) for point in sorted(found, key=lambda point: point.count("/"), reverse=True)]


def is_mounted(target: Path) -> bool:
    """Whether anything is mounted here, a bind of the same file system too; for others Path.is_mount costs less."""
    return Path(os.path.realpath(target)) in mounts_below(target)


def _unescape(field: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), field)


def _call(name: str, *arguments: bytes | int | None, about: Path) -> None:
    if getattr(_libc, name)(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(about))
