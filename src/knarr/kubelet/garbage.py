"""What the node does now and then: rotate logs, drop images that nothing uses, sweep what a lost pod left behind."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from knarr.kubelet.cri.runtime import Image, Runtime, RuntimeFailure
from knarr.kubelet.logs import rotate
from knarr.kubelet.services import Services
from knarr.kubelet.workers import Workers

log = logging.getLogger(__name__)
ROOM = 0.05  # share of the file system freed below the ceiling, so that it is not reached again at once


async def rotate_logs(workers: Workers, services: Services) -> None:
    """Rotate every running container's log that has grown past the limit."""
    options = services.options
    for worker in workers.workers.values():
        for record in worker.holdings.running():
            instance = workers.instance(worker.pod.uid, record.name)
            path = Path(instance.log_path) if instance else Path()
            try:
                if instance and path.stat().st_size > options.log_size:
                    now = services.clock.now()
                    await rotate(services.runtime, instance.id, path, now, options.log_files)
            except (OSError, RuntimeFailure) as error:
                log.warning("log %s not rotated: %s", path, error)


def unused(images: Iterable[Image], references: set[str]) -> list[Image]:
    """Images no container was made from, largest first; pinned ones (pause) stay."""
    free = [i for i in images if not i.pinned and references.isdisjoint((i.id, *i.tags, *i.digests))]
    return sorted(free, key=lambda image: image.size, reverse=True)


async def collect_images(runtime: Runtime, ceiling: float, keep: str) -> None:
    """Above the ceiling of disk use, remove unused images until there is room. `keep` is the sandbox image's name."""
    mountpoint, _ = await runtime.filesystem_usage()
    if not mountpoint:
        return
    disk = shutil.disk_usage(mountpoint)
    excess = disk.used - disk.total * (ceiling - ROOM)
    if disk.used < disk.total * ceiling:
        return
    references = {name for record in await runtime.containers() for name in (record.image, record.image_ref)} | {keep}
    for image in unused(await runtime.images(), references):
        if excess <= 0:
            return
        await runtime.remove_image(image.id)
        excess -= image.size


async def sweep(workers: Workers, services: Services) -> None:
    """Volumes and cgroups of pods that nobody knows any more."""
    for uid in workers.sweep():
        try:
            await services.volumes.unmount(uid)
            services.cgroups.remove(uid)
        except OSError as error:
            log.warning("pod %s: %s", uid, error)
