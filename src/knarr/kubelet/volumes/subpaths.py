"""subPath: one directory or file of a volume, opened so that no symbolic link in the volume leads out of it.

What a container may write to it may also turn into a link to the node's files, at any time. So each part of the path is
opened without following links, and what was opened, not its name, is bound to a place that containers cannot touch.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from knarr.kubelet.interfaces import ConfigError
from knarr.kubelet.volumes.mounts import bind, is_mounted, unmount

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def expose(volume: Path, sub_path: str, target: Path) -> Path:
    """Bind `sub_path` of the volume, a new directory if missing, to `target`; returns that. Raises ConfigError."""
    try:
        descriptor = _open_below(volume, _resolved(volume, sub_path, "prepare subPath"), _open_or_make)
        try:
            _place(descriptor, target)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(f"failed to prepare subPath {sub_path}: {error.strerror}") from error
    return target


def read(volume: Path, path: str, most: int) -> bytes | None:
    """The first `most` bytes of a file in the volume; None where there is none. Raises ConfigError."""
    try:
        descriptor = _open_below(volume, _resolved(volume, path, "read"), _open)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"failed to read {path}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"failed to read {path}: it is not a file")
        with open(f"/proc/self/fd/{descriptor}", "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            return file.read(most)
    finally:
        os.close(descriptor)


def _resolved(volume: Path, path: str, purpose: str) -> tuple[str, ...]:
    """The parts of the path with today's links resolved; links that lead out of the volume are refused."""
    root = Path(os.path.realpath(volume))
    wanted = Path(os.path.realpath(root / path))
    if Path(path).is_absolute() or not wanted.is_relative_to(root):
        raise ConfigError(f"failed to {purpose} {path}: it is not within the volume")
    return wanted.relative_to(root).parts


def _open_below(volume: Path, parts: tuple[str, ...], open_in: Callable[[str, int], int]) -> int:
    descriptor = os.open(os.path.realpath(volume), _LOOK)
    for part in parts:
        parent = descriptor
        try:
            descriptor = open_in(part, parent)
        finally:
            os.close(parent)
    return descriptor


def _open(name: str, parent: int) -> int:
    return os.open(name, _LOOK, dir_fd=parent)


def _open_or_make(name: str, parent: int) -> int:
    try:
        return _open(name, parent)
    except FileNotFoundError:
        os.mkdir(name, mode=0o750, dir_fd=parent)
        opened = _open(name, parent)
        Path(f"/proc/self/fd/{opened}").chmod(os.fstat(parent).st_mode & 0o7777)  # as open to users as what it is in
        return opened


def _place(descriptor: int, target: Path) -> None:
    """Bind, unless it is bound already: what was bound may be old, as the file of a ConfigMap that has changed."""
    if is_mounted(target):
        if os.path.samestat(os.fstat(descriptor), target.stat()):
            return
        unmount(target)
    _make_like(target, descriptor)
    bind(descriptor, target)


def _make_like(target: Path, descriptor: int) -> None:
    """A mount point of the same sort: a directory for a directory, a file for anything else."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    wanted = stat.S_ISDIR(os.fstat(descriptor).st_mode)
    if target.exists() and target.is_dir() != wanted:
        target.rmdir() if target.is_dir() else target.unlink()
    if wanted:
        target.mkdir(exist_ok=True)
    else:
        target.touch()
