"""Where the resources are: kinds by their address, keys, cached entries, and commits that the cache has applied.

Admission and effects read the watch cache through the `Lister` that this is, synchronously; nothing here decides
anything.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Protocol

import orjson

from knarr.api.kind import JSON, Kind
from knarr.apiserver.aside import Aside
from knarr.apiserver.audit.trails import spent
from knarr.apiserver.authz.authorizer import Authorizer
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.storage import Commits, Lists
from knarr.apiserver.specs import Specs
from knarr.apiserver.turns import Turns
from knarr.machinery.clock import Clock
from knarr.machinery.remembering import Bounded
from knarr.runtime.timers import Timers
from knarr.storage.cache import Entry, WatchCache
from knarr.storage.sealing.store import SealedStore
from knarr.storage.store import Store, Write
from knarr.wire.limits import BODY_LIMIT

_FRAMES = 256
_TREES, _LARGEST = 256, 16 * 1024  # how many are kept decoded, and bytes of one


@dataclass(frozen=True, slots=True)
class Options:
    """What the verbs need to know of the cluster's configuration."""

    service_cidr: IPv4Network = field(default_factory=lambda: IPv4Network("10.96.0.0/16"))
    node_ports: range = range(30000, 32768)
    advertise_address: str = "127.0.0.1"
    advertise_port: int = 6443
    body_limit: int = BODY_LIMIT  # of a body once it is decompressed
    seats: int = 600  # of requests served at once, all priority levels together: upstream's 400 and 200
    watch_timeout: float = 1800  # seconds, the least a watch lasts when its client names no time; at most twice this
    bookmark_interval: float = 60  # seconds
    # By what aggregated APIs' servers know us and our users: the data of a ConfigMap of theirs.
    extension_authentication: Mapping[str, str] = field(default_factory=dict)
    random: random.Random = field(default_factory=random.SystemRandom)


class Lister(Protocol):
    """Synchronous reads of what the watch cache holds, as trees of the storage version with their resourceVersion.

    Others see the same trees: nobody changes them.
    """

    def get(self, group: str, plural: str, namespace: str, name: str) -> JSON | None:
        """One object; None also where the resource is not served."""

    def list(self, group: str, plural: str, namespace: str = "") -> Iterator[JSON]:
        """All objects of a resource, or of one namespace of it."""

    def labels(self, group: str, plural: str, namespace: str, name: str) -> Mapping[str, str]:
        """The labels of one object, at next to no cost; none where there is no such object."""


class Registry:
    """The kinds served here, and the way to their objects. A `Lister`."""

    def __init__(
        self, kinds: Kinds, store: Store, cache: WatchCache, clock: Clock, options: Options | None = None
    ) -> None:
        self.kinds, self.store, self.cache, self.clock = kinds, store, cache, clock
        self.options = options or Options()
        self.timers = Timers(clock)
        # The frames that watches were sent last, for all the watchers of one change, who are told in one go.
        self.frames: Bounded[Hashable, bytes] = Bounded(_FRAMES)
        self.specs = Specs()
        self.turns = Turns()
        self.aside = Aside()
        self.metrics = Metrics()
        self.authorizer: Authorizer | None = None  # whom policies ask; who composes the server gives it
        self.roles: Authorizer | None = None  # what roles allow: nobody may give away more by them
        self.lists = Lists(self.metrics)
        self._commits = Commits(self.metrics, kinds)
        self._trees: Bounded[Entry, JSON] = Bounded(_TREES)

    def find(self, group: str, plural: str) -> Kind | None:
        return self.kinds.find(group, plural)

    def entry(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        return self.cache.get(key_of(kind, namespace, name))

    def get(self, group: str, plural: str, namespace: str, name: str) -> JSON | None:
        kind = self.find(group, plural)
        entry = self.entry(kind, namespace, name) if kind else None
        return self._shared(entry) if entry else None

    def list(self, group: str, plural: str, namespace: str = "") -> Iterator[JSON]:
        kind = self.find(group, plural)
        return map(self._shared, self.cache.range(prefix_of(kind, namespace))) if kind else iter(())

    def labels(self, group: str, plural: str, namespace: str, name: str) -> Mapping[str, str]:
        kind = self.find(group, plural)
        entry = self.entry(kind, namespace, name) if kind else None
        return entry.labels if entry else {}

    async def appears(self, group: str, plural: str, namespace: str, name: str, patience: float) -> bool:
        """Wait at most `patience` real seconds for an object to be there; whether it is."""
        kind = self.find(group, plural)
        if kind is None:
            return False
        key, changed = key_of(kind, namespace, name), asyncio.Event()
        subscription = self.cache.subscribe(key, self.cache.revision, lambda _: changed.set(), changed.set)
        try:
            async with asyncio.timeout(patience):
                while self.cache.get(key) is None:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            subscription.close()
        return True

    async def synced(self) -> int:
        """Wait until the cache shows everything acknowledged before this call; returns the revision it has reached."""
        revision = await self.store.revision()
        if self.cache.revision < revision:
            await self.cache.wait(revision)
        return self.cache.revision

    async def current(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        """An entry to be changed; where there is none, none that another server may just have made either. Raises
        UnreadableError.
        """
        found = self.entry(kind, namespace, name)
        if found is None:
            await self.synced()
            found = self.entry(kind, namespace, name)
        self.cache.unreadable.check(key_of(kind, namespace, name))
        return found

    async def stale(self, key: str) -> bool:
        """Whether what is stored there is to be written again though it does not change: it is sealed otherwise than it
        would be now.
        """
        return isinstance(self.store, SealedStore) and await self.store.stale(key)

    async def commit(self, writes: Sequence[Write]) -> int:
        """Commit, and wait until the cache shows it: the writer reads its own write. Raises ConflictError."""
        started = self.clock.monotonic()
        revision = await self.store.commit(writes)
        seconds = self.clock.monotonic() - started
        self._commits.took(writes[0], seconds)
        spent("etcd", seconds)
        if self.cache.revision < revision:
            await self.cache.wait(revision)
        return revision

    def _shared(self, entry: Entry) -> JSON:
        """Every write asks for its namespace, every Pod for its account and the priority classes: decoded once."""
        known = self._trees.get(entry)
        if known is not None:
            return known
        tree = tree_of(entry)
        return self._trees.keep(entry, tree) if len(entry.value) <= _LARGEST else tree


def born(tree: JSON, now: str) -> JSON:
    """An object that the server itself makes, as it begins to exist; the time in the API's form."""
    return {**tree, "metadata": {**tree["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": now}}


def prefix_of(kind: Kind, namespace: str = "") -> str:
    """What the keys of a kind, or of one namespace of it, begin with."""
    return f"{kind.prefix}/{namespace}/" if kind.namespaced and namespace else f"{kind.prefix}/"


def key_of(kind: Kind, namespace: str, name: str) -> str:
    return prefix_of(kind, namespace) + name


def tree_of(entry: Entry) -> JSON:
    """An entry as a fresh tree of the storage version, with its resourceVersion."""
    tree: dict[str, Any] = orjson.loads(entry.value)
    tree["metadata"]["resourceVersion"] = str(entry.revision)
    return tree
