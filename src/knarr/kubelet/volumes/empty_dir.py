"""emptyDir: a directory that lives as long as its pod (https://kubernetes.io/docs/concepts/storage/volumes/#emptydir)."""

from __future__ import annotations

import os

from knarr.client.objects import View
from knarr.kubelet.interfaces import VolumeError
from knarr.kubelet.volumes.mounts import mount_tmpfs
from knarr.kubelet.volumes.source import Place, Prepared, Site
from knarr.machinery import quantity

_SET_GROUP_ID = 0o2000


class EmptyDirSource(View, frozen=True):
    medium: str = ""
    size_limit: str | int | float | None = None


def prepare(site: Site, source: EmptyDirSource) -> Prepared:
    """A directory for everybody, or a tmpfs no larger than the limit; a limit on disk is kept by measuring."""
    limit = 0 if source.size_limit is None else quantity.parse(source.size_limit).value
    site.path.mkdir(parents=True, exist_ok=True)
    if source.medium == "Memory":
        if not site.path.is_mount():
            mount_tmpfs(site.path, limit)
    elif source.medium:
        raise VolumeError(f'emptyDir medium "{source.medium}" is not supported by this node')
    _open_to_all(site)
    return Prepared(site.path, 0 if source.medium else limit, str(source.size_limit))


def _open_to_all(site: Site) -> None:
    """Everybody may write; new files belong to the pod's fsGroup, where it has one."""
    if site.group is not None:
        os.chown(site.path, -1, site.group)
    site.path.chmod(0o777 if site.group is None else 0o777 | _SET_GROUP_ID)


PLACE = Place("emptyDir", EmptyDirSource, prepare, plugin="kubernetes.io~empty-dir")
