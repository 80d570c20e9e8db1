"""secret: the keys of a Secret as files, in memory only (https://kubernetes.io/docs/concepts/storage/volumes/#secret)."""

from __future__ import annotations

from base64 import b64decode

from msgspec import field

from knarr.client.objects import Object, View
from knarr.client.resources import SECRETS
from knarr.kubelet.volumes.source import Content, KeyToPath, Payload, Site, select


class SecretSource(View, frozen=True):
    """A volume says `secretName` where a projection says `name`."""

    secret_name: str = ""
    projected_name: str = field(default="", name="name")
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


class Secret(Object, frozen=True):
    data: dict[str, str] = field(default_factory=dict)


async def render(site: Site, source: SecretSource, mode: int) -> Payload:
    name = source.secret_name or source.projected_name
    found = await site.read(SECRETS, name, Secret, source.optional) or Secret()
    data = {key: b64decode(text) for key, text in found.data.items()}
    return Payload(select(data, source.items, mode, source.optional, "references non-existent secret key"))


CONTENT = Content("secret", SecretSource, render, plugin="kubernetes.io~secret")
