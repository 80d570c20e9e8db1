"""The volumes of this node's pods: set up, kept up to date, measured, taken down.

    <root>/pods/<uid>/volumes/<plugin>/<volume>                          what is bound into containers
    <root>/pods/<uid>/volume-subpaths/<volume>/<container>/<index>       bind mounts of subPaths

Nothing else is remembered of a pod: after a restart the disk and the mount table tell, and `mount` finds what is there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.kubelet.interfaces import ConfigError, Mount, VolumeError
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes import subpaths
from knarr.kubelet.volumes.contents import Refreshed
from knarr.kubelet.volumes.mounts import mounts_below, unmount
from knarr.kubelet.volumes.references import Reader, References
from knarr.kubelet.volumes.source import Content, Place, Site
from knarr.kubelet.volumes.table import CONTENTS, PLACES
from knarr.kubelet.volumes.usage import Limits
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError

Exceeded = Callable[[str, str], None]  # pod uid, message


@dataclass(slots=True)
class _PodVolumes:
    mounts: dict[str, Mount] = field(default_factory=dict)
    refreshed: list[Refreshed] = field(default_factory=list)


class VolumeManager:
    """`allocatable` are the node's resources; `exceeded` is told of a pod whose emptyDir outgrew its sizeLimit."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        root: Path,
        *,
        allocatable: Callable[[], Mapping[str, str]] = dict,
        exceeded: Exceeded = lambda uid, message: None,
    ) -> None:
        self._client, self._clock, self._root, self._allocatable = client, clock, root, allocatable
        self._references = References(client, clock)
        self._limits = Limits(clock, exceeded)
        self._places = {place.field: place for place in PLACES}
        self._contents = {content.field: content for content in CONTENTS}
        self._pods: dict[str, _PodVolumes] = {}

    async def mount(self, pod: Pod) -> Mapping[str, Mount]:
        """All volumes that the pod's containers mount, by name; idempotent. Raises VolumeError."""
        volumes = self._pods.setdefault(pod.uid, _PodVolumes())
        used = _used(pod)
        for volume in pod.spec.volumes:
            name = volume["name"]
            if name in used and name not in volumes.mounts:
                volumes.mounts[name] = await self._mount(pod, volume, volumes)
        return volumes.mounts

    def update(self, pod: Pod) -> None:
        """The pod has changed: files made from its labels and annotations follow."""
        if volumes := self._pods.get(pod.uid):
            for refreshed in volumes.refreshed:
                refreshed.update(pod)

    async def subpath(self, pod: Pod, container: str, index: int, volume: str, sub_path: str) -> str:
        """The host path to bind for the container's `index`-th volumeMount, which has a subPath. Raises ConfigError."""
        target = self._directory(pod.uid) / "volume-subpaths" / volume / container / str(index)
        source = Path(self._pods[pod.uid].mounts[volume].host_path)
        return str(subpaths.expose(source, sub_path, target))

    def read(self, pod: Pod, volume: str, path: str, most: int) -> bytes | None:
        """The first `most` bytes of a file in a mounted volume; None where there is none. Raises ConfigError."""
        mount = self._pods[pod.uid].mounts.get(volume)
        return subpaths.read(Path(mount.host_path), path, most) if mount else None

    async def unmount(self, uid: str) -> None:
        """Take everything of the pod down; idempotent. Raises OSError while something cannot be removed."""
        self._limits.forget(uid)
        for refreshed in self._pods.pop(uid, _PodVolumes()).refreshed:
            await refreshed.close()
        await asyncio.to_thread(_remove, self._directory(uid))

    def known(self) -> Collection[str]:
        """UIDs of the pods that have anything on this node's disk."""
        pods = self._root / "pods"
        return {entry.name for entry in os.scandir(pods)} if pods.is_dir() else set()

    async def close(self) -> None:
        """Stop following changes; what is mounted stays, for containers outlive the kubelet."""
        self._limits.close()
        for volumes in self._pods.values():
            for refreshed in volumes.refreshed:
                await refreshed.close()
        self._pods.clear()

    async def _mount(self, pod: Pod, volume: JSON, volumes: _PodVolumes) -> Mount:
        try:
            kind, spec = self._source(volume)
            site = self._site(pod, volume["name"], kind.plugin)
            if isinstance(kind, Place):
                return self._prepare(site, kind, spec)
            refreshed = Refreshed(site, kind, spec)
            await refreshed.start()
            volumes.refreshed.append(refreshed)
            return Mount(str(site.path), read_only=True)
        except (VolumeError, ConfigError, APIError, OSError, msgspec.ValidationError) as error:
            name = volume["name"]
            raise VolumeError(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error

    def _source(self, volume: JSON) -> tuple[Place | Content, JSON]:
        given = {name: spec for name, spec in volume.items() if name != "name"}
        for name, spec in given.items():
            kind = self._places.get(name) or self._contents.get(name)
            if kind and (isinstance(kind, Place) or kind.plugin):
                return kind, spec
        raise VolumeError(f"volumes of type {next(iter(given), 'unknown')} are not supported by this node")

    def _prepare(self, site: Site, place: Place, spec: JSON) -> Mount:
        prepared = place.prepare(site, msgspec.convert(spec, place.view))
        if prepared.limit:
            self._limits.watch(site.pod.uid, site.volume, prepared)
        return Mount(str(prepared.path))

    def _site(self, pod: Pod, volume: str, plugin: str) -> Site:
        path = self._directory(pod.uid) / "volumes" / plugin / volume
        reader = Reader(self._references)
        return Site(pod, volume, path, self._client, reader, self._allocatable, self._contents, self._clock)

    def _directory(self, uid: str) -> Path:
        return self._root / "pods" / uid


def _used(pod: Pod) -> set[str]:
    """The volumes that some container has: the others are nobody's business, whatever is wrong with them."""
    containers = pod.spec.all_containers
    mounted = {mount.name for container in containers for mount in container.volume_mounts}
    return mounted | {device.name for container in containers for device in container.volume_devices}


def _remove(directory: Path) -> None:
    """Unmount what is mounted below, then remove; a mount that stays keeps its files from being removed with it."""
    for point in mounts_below(directory):
        unmount(point)
    if left := mounts_below(directory):
        raise OSError(f"{left[0]} is still mounted")
    if directory.exists():
        shutil.rmtree(directory)
