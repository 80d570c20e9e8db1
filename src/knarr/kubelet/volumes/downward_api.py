"""downwardAPI: what the pod may know about itself, as files (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/)."""

from __future__ import annotations

from knarr.client.objects import View
from knarr.kubelet.downward import FieldRef, ResourceFieldRef, field_value, resource_value
from knarr.kubelet.volumes.payloads import File
from knarr.kubelet.volumes.source import Content, Payload, Site


class Item(View, frozen=True):
    path: str
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None
    mode: int | None = None


class DownwardSource(View, frozen=True):
    items: tuple[Item, ...] = ()
    default_mode: int = 0o644


async def render(site: Site, source: DownwardSource, mode: int) -> Payload:
    return Payload(
        {
            item.path: File(_value(site, item).encode(), mode if item.mode is None else item.mode)
            for item in source.items
        }
    )


def _value(site: Site, item: Item) -> str:
    if item.field_ref:
        return field_value(site.pod, item.field_ref.field_path)
    assert item.resource_field_ref, "validation demands one of the two"
    return resource_value(site.pod, item.resource_field_ref, site.allocatable())


CONTENT = Content("downwardAPI", DownwardSource, render, plugin="kubernetes.io~downward-api")
