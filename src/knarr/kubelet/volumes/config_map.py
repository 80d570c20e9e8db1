"""configMap: the keys of a ConfigMap as files (https://kubernetes.io/docs/concepts/storage/volumes/#configmap)."""

from __future__ import annotations

from base64 import b64decode

from msgspec import field

from knarr.client.objects import Object, View
from knarr.client.resources import CONFIG_MAPS
from knarr.kubelet.volumes.source import Content, KeyToPath, Payload, Site, select


class ConfigMapSource(View, frozen=True):
    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


class ConfigMap(Object, frozen=True):
    data: dict[str, str] = field(default_factory=dict)
    binary_data: dict[str, str] = field(default_factory=dict)


async def render(site: Site, source: ConfigMapSource, mode: int) -> Payload:
    found = await site.read(CONFIG_MAPS, source.name, ConfigMap, source.optional) or ConfigMap()
    data = {key: text.encode() for key, text in found.data.items()}
    data |= {key: b64decode(text) for key, text in found.binary_data.items()}
    return Payload(select(data, source.items, mode, source.optional, "configmap references non-existent config key"))


CONTENT = Content("configMap", ConfigMapSource, render, plugin="kubernetes.io~configmap", secret=False)
