"""A volume of files that follows what it is made of: written again when an object changes or a token grows old."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import msgspec

from knarr.client.objects import JSON
from knarr.kubelet.interfaces import ConfigError, VolumeError
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes import payloads
from knarr.kubelet.volumes.mounts import mount_tmpfs
from knarr.kubelet.volumes.source import Content, Site
from knarr.machinery.clock import at_most
from knarr.machinery.errors import APIError

log = logging.getLogger(__name__)

_RETRY = 30.0  # seconds after a refresh that failed, unless something changes before


class Refreshed:
    """One volume of one pod, kept true."""

    def __init__(self, site: Site, content: Content, spec: JSON) -> None:
        self._site, self._content = site, content
        self._spec: Any = msgspec.convert(spec, content.view)
        self._changed = site.reader.changed
        self._follower: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Show the files for the first time, then follow. Raises what rendering raises."""
        try:
            renewal = await self._refresh()
        except BaseException:
            self._site.reader.close()
            raise
        self._follower = asyncio.get_running_loop().create_task(self._follow(renewal))

    def update(self, pod: Pod) -> None:
        """Render again for what the pod looks like now."""
        self._site = replace(self._site, pod=pod)
        self._changed.set()

    async def close(self) -> None:
        self._site.reader.close()
        if self._follower:
            self._follower.cancel()
            await asyncio.wait([self._follower])

    async def _refresh(self) -> float | None:
        self._changed.clear()
        site = self._site
        payload = await self._content.render(site, self._spec, self._spec.default_mode)
        site.path.mkdir(parents=True, exist_ok=True)
        if self._content.secret and not site.path.is_mount():
            mount_tmpfs(site.path)
        if payloads.write(site.path, payload.files, site.clock.now(), site.group):
            log.debug("volume %s of pod %s written", site.volume, site.pod.metadata.key)
        return payload.renew_after

    async def _follow(self, renewal: float | None) -> None:
        while True:
            await self._wait(renewal)
            try:
                renewal = await self._refresh()
            except (APIError, VolumeError, ConfigError, OSError) as error:
                # The files stay as they are: an object that is gone takes nothing from a running container.
                log.warning("volume %s of pod %s stays as it is: %s", self._site.volume, self._site.pod.uid, error)
                renewal = _RETRY

    async def _wait(self, seconds: float | None) -> None:
        """Until something changes, or so many seconds."""
        if seconds is None:
            await self._changed.wait()
        else:
            await at_most(self._site.clock, seconds, self._changed.wait())
