"""The store that a test's API server is on: KNARR_TEST_STORE=memory, sqlite or etcd runs all of them on that one.

Without it, servers in the test's process are on memory, and those in processes of their own on what they choose.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path

from knarr.apiserver.foreign import decoder
from knarr.apiserver.kinds import Kinds
from knarr.machinery.clock import Clock
from knarr.storage.etcd import EtcdStore
from knarr.storage.memory import MemoryStore
from knarr.storage.sealing.ciphers import GCM
from knarr.storage.sealing.providers import Keyed, Providers
from knarr.storage.sealing.store import SealedStore
from knarr.storage.sqlite import SqliteStore
from knarr.storage.store import Store
from tests.storage.etcds import Etcd, etcd
from tests.storage.fresh import FreshStore

ENGINES = ("memory", "sqlite", "etcd")
CHOSEN = os.environ.get("KNARR_TEST_STORE", "")
_started: list[Etcd] = []
_resources = ExitStack()


def worker_etcd() -> Etcd:
    """One etcd for all tests of this process, started at its first use; they keep to keys of their own."""
    if not _started:
        directory = Path(tempfile.mkdtemp(prefix="knarr-etcd-"))
        _resources.callback(shutil.rmtree, directory)
        _started.append(_resources.enter_context(etcd(directory)))
    return _started[0]


def stop_worker_etcd() -> None:
    _started.clear()
    _resources.close()


class Everything:
    """All keys are sealed, by one key."""

    def __init__(self) -> None:
        self._providers = Providers([Keyed("k", GCM(bytes(32)))], "no matching key")

    def of(self, key: str) -> Providers:
        return self._providers


async def open_store(
    directory: Path, clock: Clock | None = None, *, engine: str = "", kinds: Kinds | None = None
) -> Store:
    """A new store of the engine, or of the chosen one."""
    match engine or CHOSEN or "memory":
        case "memory":
            return MemoryStore(clock)
        case "sealed":
            return SealedStore(MemoryStore(clock), Everything(), decode=lambda _, value: value)
        case "sqlite":
            return await SqliteStore.open(directory / f"{uuid.uuid4().hex}.db", clock)
        case "etcd":
            server, decode = worker_etcd(), decoder(kinds or Kinds())
            store = await EtcdStore.open(server.endpoints, clock, tls=server.tls(), decode=decode, keep_seconds=0)
            return await FreshStore.made(store, f"/{uuid.uuid4().hex}")
    raise ValueError(f"KNARR_TEST_STORE is one of {', '.join(ENGINES)}")
