"""projected: several sources in one directory (https://kubernetes.io/docs/concepts/storage/projected-volumes/)."""

from __future__ import annotations

import msgspec

from knarr.client.objects import JSON, View
from knarr.kubelet.interfaces import VolumeError
from knarr.kubelet.volumes.payloads import File
from knarr.kubelet.volumes.source import Content, Payload, Site


class ProjectedSource(View, frozen=True):
    sources: tuple[JSON, ...] = ()
    default_mode: int = 0o644


async def render(site: Site, source: ProjectedSource, mode: int) -> Payload:
    """All files together, later sources over earlier ones; made again when the first of them wants to be."""
    files: dict[str, File] = {}
    renewals = []
    for part in (pair for projection in source.sources for pair in projection.items()):
        payload = await _render_part(site, *part, mode)
        files |= payload.files
        renewals += [payload.renew_after] if payload.renew_after is not None else []
    return Payload(files, min(renewals, default=None))


async def _render_part(site: Site, field: str, spec: JSON, mode: int) -> Payload:
    content = site.contents.get(field)
    if content is None:
        raise VolumeError(f"projected volumes of this node cannot have the source {field}")
    return await content.render(site, msgspec.convert(spec, content.view), mode)


CONTENT = Content("projected", ProjectedSource, render, plugin="kubernetes.io~projected")
