"""A small cluster whose accounts have tokens: what is there, and the two ends of a token's life."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from knarr.api.kinds.table import KINDS
from knarr.apiserver.authn.accounts import AccountTokens
from knarr.apiserver.authn.bearers import Identified, InvalidTokenError
from knarr.apiserver.authn.claims import Bound, Private
from knarr.apiserver.authn.keys import ISSUER, AccountTokenRules
from knarr.apiserver.authn.tokens import TokenIssuer
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.registry import Registry, key_of
from knarr.machinery.clock import VirtualClock
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.storage.store import Write
from tests.unit.apiserver.authn.keyrings import keys

TEAM, START = "team", datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT, POD, NODE, SECRET = (Bound(name, f"uid-of-{name}") for name in ("builder", "worker", "n1", "vault"))
_OBJECTS = {"serviceaccounts": ACCOUNT, "pods": POD, "nodes": NODE, "secrets": SECRET}


@dataclass
class Cluster:
    clock: VirtualClock
    registry: Registry
    rules: AccountTokenRules
    tokens: AccountTokens

    async def put(self, plural: str, name: str, namespace: str = TEAM, **content: Any) -> None:
        """Write an object, whatever was there."""
        kind = self.registry.find("", plural)
        assert kind is not None
        namespace = namespace if kind.namespaced else ""
        key, entry = key_of(kind, namespace, name), self.registry.entry(kind, namespace, name)
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **content.pop("metadata", {})}
        tree = {"kind": kind.kind, "apiVersion": "v1", "metadata": metadata, **content}
        await self.registry.commit([Write(key, to_stored(tree), expected=entry.revision if entry else 0)])

    async def remove(self, plural: str, name: str) -> None:
        kind = self.registry.find("", plural)
        assert kind is not None
        entry = self.registry.entry(kind, TEAM if kind.namespaced else "", name)
        assert entry is not None
        await self.registry.commit([Write(entry.key, None, expected=entry.revision)])

    def issue(self, *, key: str = "ours", issuer: str = ISSUER, audience: str = ISSUER, **bound: Any) -> str:
        issuing = TokenIssuer(keys(key), issuer, self.clock)
        return issuing.issue(Private(TEAM, ACCOUNT, **bound), [audience], 600)[0]

    def sign(self, claims: dict[str, Any], key: str = "ours") -> str:
        return keys(key).signing.sign(claims)

    async def ask(self, token: str, audience: str = ISSUER) -> Identified | None:
        return await self.tokens.authenticate(token, [audience])

    async def refusal(self, token: str, audience: str = ISSUER) -> str:
        """Why the token is not good; empty if it is, or is nobody's."""
        try:
            await self.ask(token, audience)
        except InvalidTokenError as error:
            return str(error)
        return ""


@asynccontextmanager
async def cluster(**rules: Any) -> AsyncIterator[Cluster]:
    """With an account, a Pod, a Node and a Secret."""
    clock, kinds, store = VirtualClock(START), Kinds(KINDS), MemoryStore()
    cache = WatchCache(store, index_of(kinds), clock=clock)
    await cache.start()
    registry = Registry(kinds, store, cache, clock)
    chosen = AccountTokenRules(**{"keys": keys("ours"), **rules})
    made = Cluster(clock, registry, chosen, AccountTokens(registry, chosen))
    for plural, bound in _OBJECTS.items():
        await made.put(plural, bound.name, metadata={"uid": bound.uid})
    try:
        yield made
    finally:
        await cache.stop()
        await store.close()


def decoded(token: str) -> dict[str, Any]:
    """The claims of a token."""
    import jwt

    claims: dict[str, Any] = json.loads(jwt.PyJWS().decode(token, options={"verify_signature": False}))
    return claims
