"""What it costs to learn who a request is from and that they may make it, with many roles and bindings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from knarr.api.kind import JSON
from knarr.api.kinds.table import KINDS
from knarr.apiserver.authn.accounts import AccountTokens
from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.bearers import TokenUnion
from knarr.apiserver.authn.claims import Bound, Private
from knarr.apiserver.authn.keys import AccountKeys, AccountTokenRules
from knarr.apiserver.authn.tokens import TokenIssuer
from knarr.apiserver.authz.configuration import Webhook
from knarr.apiserver.authz.reconciling import ensure_policy
from knarr.apiserver.authz.rules import GROUP
from knarr.apiserver.authz.table import authorizer_of
from knarr.apiserver.authz.webhook import WebhookAuthorizer
from knarr.apiserver.indexing import index_of
from knarr.apiserver.info import parse
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.outbound.remotes import Remote
from knarr.apiserver.registry import Registry, key_of
from knarr.machinery.clock import RealClock
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.storage.store import Write
from knarr.wire.messages import Peer, Request

ROLES, BINDINGS, NAMESPACES, USERS = 1000, 5000, 50, 500
ISSUER, ROUNDS, TOGETHER = "https://bench", 20_000, 500
POD = "/api/v1/namespaces/n0/pods/p"


def main() -> None:
    asyncio.run(_main())


async def _main() -> None:
    registry = await _registry()
    authorizer = authorizer_of(registry)
    authenticator, headers = _authenticator(registry)
    request, peer = Request("GET", POD, "", headers), Peer()
    info = parse("GET", POD)
    user = (await authenticator.authenticate(request, peer)).user
    started = time.perf_counter()
    assert await authorizer.allows(user, info)
    print(f"authorization with {ROLES} roles and {BINDINGS} bindings beside the defaults")
    print(f"  the first decision, which makes the index: {(time.perf_counter() - started) * 1000:.0f} ms")

    async def both() -> None:
        await authorizer.authorize((await authenticator.authenticate(request, peer)).user, info)

    await _show("authentication by a service account's token", lambda: authenticator.authenticate(request, peer))
    await _show("authorization, allowed by a role in the namespace", lambda: authorizer.authorize(user, info))
    secret = parse("GET", "/api/v1/namespaces/n0/secrets/s")
    await _show("authorization, refused", lambda: authorizer.authorize(user, secret))
    await _show("both", both)
    webhook = WebhookAuthorizer("bench", Webhook(Path("/")), Yes(), registry)
    assert await webhook.allows(user, info)
    await _show("authorization, as a webhook's answer is remembered", lambda: webhook.authorize(user, info))
    conditions = ("has(request.resourceAttributes)", "request.user != 'root'")
    conditional = Webhook(Path("/"), seconds_allowed=0, seconds_refused=0, conditions=conditions)
    webhook = WebhookAuthorizer("bench", conditional, Yes(b'{"status": {}}'), registry)
    await _show("the same without memory, by conditions, besides the call", lambda: webhook.authorize(user, info))
    await registry.commit([_role(registry)(0)])
    started = time.perf_counter()
    await authorizer.authorize(user, info)
    print(f"  a decision after its role has changed: {(time.perf_counter() - started) * 1e6:.0f} us")


class Yes(Remote):
    """A webhook that takes no time."""

    def __init__(self, answer: bytes = b'{"status": {"allowed": true}}') -> None:
        self._answer = answer

    async def call(self, body: bytes, seconds: float) -> bytes:
        return self._answer


async def _show(what: str, work: Callable[[], Awaitable[object]]) -> None:
    started = time.process_time()
    for _ in range(ROUNDS):
        await work()
    print(f"  {what}: {(time.process_time() - started) / ROUNDS * 1e6:.1f} us")


async def _registry() -> Registry:
    clock, kinds, store = RealClock(), Kinds(KINDS), MemoryStore()
    cache = WatchCache(store, index_of(kinds), clock=clock)
    await cache.start()
    registry = Registry(kinds, store, cache, clock)
    await ensure_policy(registry)
    writes = [*map(_role(registry), range(ROLES)), *map(_binding(registry), range(BINDINGS)), _account(registry)]
    for start in range(0, len(writes), TOGETHER):
        await registry.commit(writes[start : start + TOGETHER])
    return registry


def _object(registry: Registry, plural: str, namespace: str, name: str, content: JSON, group: str = GROUP) -> Write:
    kind = registry.find(group, plural)
    assert kind
    metadata = {"name": name, "namespace": namespace, "uid": name}
    return Write(key_of(kind, namespace, name), orjson.dumps({"metadata": metadata, **content}))


def _role(registry: Registry) -> Callable[[int], Write]:
    def make(n: int) -> Write:
        rules = [
            {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods", "pods/log", f"r{n}"]},
            {"verbs": ["*"], "apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"]},
        ]
        return _object(registry, "roles", f"n{n % NAMESPACES}", f"role{n}", {"rules": rules})

    return make


def _binding(registry: Registry) -> Callable[[int], Write]:
    def make(n: int) -> Write:
        role = n % ROLES
        subjects: list[JSON] = [{"kind": "User", "apiGroup": GROUP, "name": f"user{n % USERS}"}]
        if n % ROLES == 0:
            subjects = [{"kind": "ServiceAccount", "name": "bench", "namespace": "n0"}]
        reference = {"apiGroup": GROUP, "kind": "Role", "name": f"role{role}"}
        content = {"roleRef": reference, "subjects": subjects}
        return _object(registry, "rolebindings", f"n{role % NAMESPACES}", f"binding{n}", content)

    return make


def _account(registry: Registry) -> Write:
    return _object(registry, "serviceaccounts", "n0", "bench", {}, "")


def _authenticator(registry: Registry) -> tuple[Authenticator, dict[str, str]]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    keys = AccountKeys(private, [key.public_key().public_bytes(serialization.Encoding.PEM, spki)])
    private_claims = Private("n0", Bound("bench", "bench"))
    token, _ = TokenIssuer(keys, ISSUER, registry.clock).issue(private_claims, [ISSUER], 3600)
    tokens = AccountTokens(registry, AccountTokenRules(keys, [ISSUER]))
    return Authenticator(registry.clock, TokenUnion(tokens), [ISSUER]), {"authorization": f"Bearer {token}"}
