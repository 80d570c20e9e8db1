"""The named ConfigMaps and Secrets that this node's pods use, each watched by itself for as long as somebody uses it.

A node sees what its pods refer to and nothing else: upstream's "Watch" strategy, which the Node authorizer demands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import Resource
from knarr.machinery.clock import Clock
from knarr.machinery.errors import NotFound
from knarr.runtime.informer import Informer

V = TypeVar("V", bound=Object)


class Key(NamedTuple):
    resource: Resource
    namespace: str
    name: str


@dataclass(slots=True)
class _Watched:
    informer: Informer[Any]
    task: asyncio.Task[None]
    version: str = ""  # of the object as its readers know it; empty where there is none
    users: set[Reader] = field(default_factory=set)


class References:
    """The objects that readers have read; a watch ends when its last reader is closed."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._watched: dict[Key, _Watched] = {}

    async def read(self, key: Key, view: type[V], user: Reader) -> V | None:
        """The object or None; `user` is told of each later change until it is released. Raises APIError."""
        watched = self._watched.get(key)
        if watched and watched.informer.synced:
            watched.users.add(user)
            found: V | None = watched.informer.get(f"{key.namespace}/{key.name}")
            return found
        # The first read goes straight to the object: it answers at once, also with why there is no answer. The
        # watch begins behind it and wakes the user should it have changed in between.
        found = await self._get(key, view)
        watched = self._watched.get(key) or self._watch(key, view, _version(found))
        watched.users.add(user)
        return found

    def release(self, user: Reader) -> None:
        """Forget the user; watches that nobody needs any more end."""
        for key, watched in list(self._watched.items()):
            watched.users.discard(user)
            if not watched.users:
                watched.task.cancel()
                del self._watched[key]

    async def _get(self, key: Key, view: type[V]) -> V | None:
        try:
            return await self._client.get(key.resource, key.name, key.namespace, view=view)
        except NotFound:
            return None

    def _watch(self, key: Key, view: type[V], version: str) -> _Watched:
        selector = f"metadata.name={key.name}"
        informer = Informer(
            self._client, key.resource, view, namespace=key.namespace, field_selector=selector, clock=self._clock
        )
        watched = _Watched(informer, asyncio.get_running_loop().create_task(informer.run()), version)
        self._watched[key] = watched
        informer.add_handler(lambda old, new: _tell(watched, new))
        return watched


def _tell(watched: _Watched, new: Object | None) -> None:
    """Wake the readers, unless this is what they have read before the watch began."""
    if _version(new) != watched.version:
        watched.version = _version(new)
        for user in watched.users:
            user.changed.set()


def _version(found: Object | None) -> str:
    return found.metadata.resource_version if found else ""


class Reader:
    """One reader of objects; `changed` is set when any that it has read has changed."""

    def __init__(self, references: References) -> None:
        self.changed = asyncio.Event()
        self._references = references

    async def read(self, resource: Resource, namespace: str, name: str, view: type[V]) -> V | None:
        """The object, or None where there is none. Raises APIError."""
        return await self._references.read(Key(resource, namespace, name), view, self)

    def close(self) -> None:
        self._references.release(self)
