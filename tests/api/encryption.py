"""API servers whose store is encrypted as a file says."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from knarr.api.kinds.table import KINDS
from knarr.apiserver.encryption.keeping import Encryption
from knarr.apiserver.foreign import decoder
from knarr.apiserver.kinds import Kinds
from knarr.machinery.clock import Clock, VirtualClock
from knarr.storage.store import Record, Store
from tests.api.harness import Server

JSON = dict[str, Any]
IDENTITY: JSON = {"identity": {}}
SECRETS = "/api/v1/namespaces/default/secrets"


def keys(provider: str, *names: str) -> JSON:
    """A provider with a key of each name, which is always the same."""
    listed = [{"name": name, "secret": base64.b64encode(name.encode().ljust(32)).decode()} for name in names]
    return {provider: {"keys": listed}}


def plugin(socket: Path, name: str = "plugin", timeout: str = "2s") -> JSON:
    return {"kms": {"apiVersion": "v2", "name": name, "endpoint": f"unix://{socket}", "timeout": timeout}}


def write(path: Path, *providers: JSON, resources: tuple[str, ...] = ("secrets",)) -> Path:
    """The file."""
    rule = {"resources": list(resources), "providers": list(providers)}
    tree = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": [rule]}
    path.write_bytes(msgspec.json.encode(tree))
    return path


@asynccontextmanager
async def encrypted(store: Store, file: Path, clock: Clock | None = None) -> AsyncIterator[Sealed]:
    """A server over a store, which stays open."""
    kinds = Kinds(KINDS)
    encryption = Encryption(file, kinds, clock or VirtualClock(), reload=True)
    await encryption.start()
    server = Sealed(encryption, encryption.over(store, str.encode, decoder(kinds)))
    await server.cache.start()
    encryption.use(server.cache)
    if (await server.get("/api/v1/namespaces/default")).status == 404:
        await server.post("/api/v1/namespaces", {"metadata": {"name": "default"}})
    try:
        yield server
    finally:
        server.api.close()
        await server.cache.stop()
        await encryption.close()


class Sealed(Server):
    """A server, and what it encrypts with."""

    def __init__(self, encryption: Encryption, store: Store) -> None:
        super().__init__(store=store)
        self.encryption = encryption

    async def secret(self, name: str, text: str = "hunter2") -> JSON:
        reply = await self.post(SECRETS, {"metadata": {"name": name}, "stringData": {"password": text}})
        assert reply.status == 201, reply.body
        found: JSON = reply.body
        return found

    async def password(self, name: str) -> str:
        reply = await self.get(f"{SECRETS}/{name}")
        assert reply.status == 200, reply.body
        return base64.b64decode(reply.body["data"]["password"]).decode()


async def lying(store: Store, name: str) -> bytes:
    """What of a Secret lies in a store."""
    record: Record | None = await store.get(f"/registry/secrets/default/{name}")
    assert record
    return record.value
