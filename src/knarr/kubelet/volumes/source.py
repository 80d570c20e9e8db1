"""What a volume source is: a `Place` is there as a whole, a `Content` is files made from API objects.

Sources never import each other: what `projected` combines it finds in `Site.contents`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knarr.client.client import Client
from knarr.client.objects import View
from knarr.client.resources import Resource
from knarr.kubelet.interfaces import VolumeError
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes.payloads import File, Files
from knarr.kubelet.volumes.references import Reader, V
from knarr.machinery.clock import Clock


@dataclass(frozen=True, slots=True)
class Token:
    """A service account's token, and the monotonic times from which on a new one is wanted, and it is good no more."""

    text: str
    renew_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Site:
    """Where a volume is set up, for which pod, and what with."""

    pod: Pod
    volume: str
    path: Path
    client: Client
    reader: Reader
    allocatable: Callable[[], Mapping[str, str]]  # the node's, which stands in for limits that a container lacks
    contents: Mapping[str, Content]
    clock: Clock
    tokens: dict[str, Token] = field(default_factory=dict)  # by path: what lives longer than one rendering

    @property
    def group(self) -> int | None:
        return self.pod.spec.security_context.fs_group

    async def read(self, resource: Resource, name: str, view: type[V], optional: bool) -> V | None:
        """An object of the pod's namespace; None only where it is optional."""
        found = await self.reader.read(resource, self.pod.metadata.namespace, name, view)
        if found is None and not optional:
            raise VolumeError(f'{resource.kind.lower()} "{name}" not found')
        return found


@dataclass(frozen=True, slots=True)
class Prepared:
    """A place made ready; `limit` in bytes is what its usage is measured against, `limit_text` as the user wrote it."""

    path: Path
    limit: int = 0
    limit_text: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """The files that a volume shows now; `renew_after` seconds they want to be made again."""

    files: Files
    renew_after: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A source that `prepare` makes ready once; `field` is the volume's, `plugin` the directory below `volumes/`."""

    field: str
    view: type[View]
    prepare: Callable[[Site, Any], Prepared]
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A source of files: `render` says which, given the permission bits of those that ask for none.

    Without `plugin` it lives only inside projected volumes. What is `secret` is kept in memory.
    """

    field: str
    view: type[View]
    render: Callable[[Site, Any, int], Awaitable[Payload]]
    plugin: str = ""
    secret: bool = True


class KeyToPath(View, frozen=True):
    key: str
    path: str
    mode: int | None = None


def select(data: Mapping[str, bytes], items: tuple[KeyToPath, ...], mode: int, optional: bool, missing: str) -> Files:
    """The keys that `items` choose, or all. Unless optional, one not there raises VolumeError, worded by `missing`."""
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    absent = next((item.key for item in items if item.key not in data), None)
    if absent is not None and not optional:
        raise VolumeError(f"{missing}: {absent}")
    return {
        item.path: File(data[item.key], mode if item.mode is None else item.mode) for item in items if item.key in data
    }
