"""Files that a volume shows, written so that a reader sees the old set or the new one, never a mixture.

    <volume>/..2026_01_02_15_04_05.x7k2/   the files themselves, one directory per version
    <volume>/..data -> ..2026_...          what a rename(2) swaps
    <volume>/key    -> ..data/key          what users open; one link per top-level name

Users rely on these names to notice a change (inotify on `..data`), so they are upstream's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_DATA = "..data"
_NEXT = "..data_tmp"


@dataclass(frozen=True, slots=True)
class File:
    """Content and permission bits of one file; `owner` is a uid that reads it besides root, where one is known."""

    data: bytes
    mode: int = 0o644
    owner: int | None = None


Files = Mapping[str, File]  # by path relative to the volume


def write(volume: Path, files: Files, now: datetime, group: int | None = None) -> bool:
    """Show exactly these files in the volume; False when they are there already. `group` is the pod's fsGroup."""
    wanted = {path: _for_group(file, group) for path, file in files.items()}
    current = _current(volume)
    if current and _same(current, wanted):
        return False
    version = Path(tempfile.mkdtemp(prefix=now.strftime("..%Y_%m_%d_%H_%M_%S."), dir=volume))
    version.chmod(0o755)
    for path, file in wanted.items():
        _write_file(version / path, file, group)
    (volume / _NEXT).unlink(missing_ok=True)
    (volume / _NEXT).symlink_to(version.name)
    (volume / _NEXT).rename(volume / _DATA)
    _link(volume, {path.split("/", 1)[0] for path in wanted})
    if current:
        shutil.rmtree(current, ignore_errors=True)
    return True


def _for_group(file: File, group: int | None) -> File:
    """Where the pod has an fsGroup its members may read what the owner may read."""
    return file if group is None else File(file.data, file.mode | 0o440, file.owner)


def _current(volume: Path) -> Path | None:
    link = volume / _DATA
    return volume / link.readlink() if link.is_symlink() else None


def _same(version: Path, wanted: Files) -> bool:
    present = {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()}
    return present == set(wanted) and all(
        (version / path).stat().st_mode & 0o7777 == file.mode and (version / path).read_bytes() == file.data
        for path, file in wanted.items()
    )


def _write_file(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(file.data)
        if file.owner is not None or group is not None:
            os.fchown(descriptor, -1 if file.owner is None else file.owner, -1 if group is None else group)
        os.fchmod(descriptor, file.mode)  # after the owner: chown(2) clears the set-id bits


def _link(volume: Path, names: set[str]) -> None:
    """One link per top-level name; those of names that are gone disappear."""
    present = {entry.name for entry in volume.iterdir() if entry.is_symlink() and not entry.name.startswith("..")}
    for name in present - names:
        (volume / name).unlink()
    for name in names - present:
        (volume / name).symlink_to(f"{_DATA}/{name}")
