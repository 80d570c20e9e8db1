"""hostPath: a file or directory of the node itself (https://kubernetes.io/docs/concepts/storage/volumes/#hostpath)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from knarr.client.objects import View
from knarr.kubelet.interfaces import VolumeError
from knarr.kubelet.volumes.source import Place, Prepared, Site


class HostPathSource(View, frozen=True):
    path: str
    type: str = ""


_CHECKS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "Directory": (Path.is_dir, "a directory"),
    "File": (Path.is_file, "a file"),
    "Socket": (Path.is_socket, "a socket file"),
    "CharDevice": (Path.is_char_device, "a character device"),
    "BlockDevice": (Path.is_block_device, "a block device"),
}


def prepare(site: Site, source: HostPathSource) -> Prepared:
    """Check or make what the type asks for; without one anything will do, and the runtime makes a missing directory."""
    path = Path(source.path)
    if source.type.endswith("OrCreate") and not path.exists():
        _make(path, source.type)
    elif source.type:
        _check(path, source.type.removesuffix("OrCreate"))
    return Prepared(path)


def _make(path: Path, kind: str) -> None:
    if kind == "DirectoryOrCreate":
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
    else:
        path.touch(mode=0o644)


def _check(path: Path, kind: str) -> None:
    if kind not in _CHECKS:
        raise VolumeError(f"{kind} is an invalid volume type")
    holds, noun = _CHECKS[kind]
    if not holds(path):
        raise VolumeError(f"hostPath type check failed: {path} is not {noun}")


PLACE = Place("hostPath", HostPathSource, prepare)
