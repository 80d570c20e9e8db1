"""A whole API server on a real TLS socket, with a kubelet that says what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

from knarr.api.kinds.table import KINDS
from knarr.apiserver import bootstrap
from knarr.apiserver.api import API
from knarr.apiserver.app import Application
from knarr.apiserver.assembly import Front, Security, assemble
from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.frontproxies import FrontProxies
from knarr.apiserver.authn.keys import AccountKeys, AccountTokenRules
from knarr.apiserver.authn.table import Authentication
from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.configuration import Authorization
from knarr.apiserver.authz.reconciling import ensure_policy
from knarr.apiserver.authz.table import DEFAULT
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.registry import Registry
from knarr.apiserver.transport import InProcessTransport
from knarr.cluster.apiserver.auditing import audit_of
from knarr.cluster.flags.audit import Audit as Auditing
from knarr.machinery.clock import RealClock
from knarr.storage.cache import WatchCache
from knarr.wire.connections import HTTPTransport
from knarr.wire.messages import Answer, Peer, Request, Response
from knarr.wire.server import Server
from knarr.wire.tls import client_context, server_context
from tests.api.certificates import Authority, Pair
from tests.kubectl import Kubectl
from tests.stores import open_store

JSON = dict[str, Any]
NODE = "n1"
UNAUDITED = Auditing()


@dataclass
class FakeKubelet:
    """Remembers what it was asked; answers as a test says."""

    asked: list[Request] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Response(200, {"content-type": "text/plain"}, b"hello\n"))

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        self.asked.append(request)
        self.peers.append(peer)
        return self.answer


@dataclass
class Running:
    url: str
    authority: Authority
    directory: Path
    front: Front
    kubelet: FakeKubelet
    registry: Registry
    admin: InProcessTransport
    https: Server
    proxies: Authority  # vouches for front proxies

    @property
    def application(self) -> Application:
        return self.front.application

    def transport(self, pair: Pair | None = None, **headers: str) -> HTTPTransport:
        """A client with this certificate, or with none."""
        tls = client_context(self.authority.file, *((pair.certificate, pair.key) if pair else ()))
        return HTTPTransport(self.url, tls=tls, headers=lambda: headers)

    def kubectl(self, binary: Path, pair: Pair) -> Kubectl:
        """kubectl with a kubeconfig of its own."""
        user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
        config = {
            "kind": "Config",
            "apiVersion": "v1",
            "clusters": [
                {"name": "c", "cluster": {"server": self.url, "certificate-authority": str(self.authority.file)}}
            ],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = self.directory / "kubeconfig"
        path.write_text(json.dumps(config))
        return Kubectl(path, binary=binary)

    async def post(self, path: str, body: JSON) -> JSON:
        """Create as the admin, whatever it takes."""
        return await self.send("POST", path, body)

    async def send(self, method: str, path: str, body: JSON) -> JSON:
        headers = {"content-type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
        answer = await self.admin.request(Request(method, path, "", headers, json.dumps(body).encode()))
        assert answer.status < 300, answer.body
        found: JSON = json.loads(answer.body)
        return found

    async def running_pod(self, name: str, *containers: str) -> None:
        """A Pod that is bound to the node of the fake kubelet."""
        spec = {"nodeName": NODE, "containers": [{"name": container, "image": "x"} for container in containers]}
        body = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec}
        await self.post("/api/v1/namespaces/default/pods", body)


@asynccontextmanager
async def running(
    directory: Path, auditing: Auditing = UNAUDITED, authorization: Authorization = DEFAULT, **believed: Any
) -> AsyncIterator[Running]:
    """`believed` are fields of Authentication, in place of the front's own."""
    proxies = directory / "front-proxy"
    proxies.mkdir()
    authority, proxy_authority = Authority(directory), Authority(proxies, "front-proxy-ca")
    pair, kubelet_client = authority.issue("server"), authority.issue("kube-apiserver-kubelet-client")
    proxy = authority.issue("front-proxy-client")
    tls = server_context(pair.certificate, pair.key, authority.file, proxy_ca=proxy_authority.file)
    clock, kinds = RealClock(), Kinds(KINDS)
    store = await open_store(directory, clock, kinds=kinds)
    cache = WatchCache(store, index_of(kinds), clock=clock)
    api = API(kinds, store, cache, clock)
    kubelet_tls = client_context(authority.file, kubelet_client.certificate, kubelet_client.key)
    founded = asyncio.Event()
    own = Authentication(
        clients=Authorities(authority.file),
        proxies=FrontProxies(Authorities(proxy_authority.file), frozenset({"front-proxy-client"})),
        bootstrap=True,
    )
    rules, told = AccountTokenRules(token_keys()), replace(own, **believed)
    security = Security(kubelet_tls, rules, told, authorization, front_proxy=(proxy.certificate, proxy.key))
    audit = audit_of(auditing, clock, api.registry.metrics)
    front = assemble(api, security, founded, audit=audit)
    kubelet = FakeKubelet()
    server, node = Server(front.application, tls=tls, oversized=front.application.oversized), Server(kubelet, tls=tls)
    await cache.start()
    api.start()
    await bootstrap.ensure(api.registry)
    await ensure_policy(api.registry)
    founded.set()
    port, node_port = await server.listen(), await node.listen()
    admin = InProcessTransport(front.application, User("admin", groups=("system:masters",)))
    url = f"https://127.0.0.1:{port}"
    found = Running(url, authority, directory, front, kubelet, api.registry, admin, server, proxy_authority)
    await _register(found, node_port)
    aggregating = asyncio.create_task(front.aggregation.run())
    await front.aggregation.registered.wait()
    try:
        yield found
    finally:
        aggregating.cancel()
        front.aggregation.close()
        front.authorizer.close()
        await admin.close()
        await front.kubelets.close()
        await node.close(grace=0)
        await server.close(grace=0)
        if audit:
            await audit.close(grace=5)
        api.close()
        await cache.stop()
        await store.close()


async def _register(to: Running, port: int) -> None:
    await to.post("/api/v1/nodes", {"kind": "Node", "apiVersion": "v1", "metadata": {"name": NODE}})
    endpoint = {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
    status = {**endpoint, "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}
    await to.send("PATCH", f"/api/v1/nodes/{NODE}/status", {"status": status})
    account = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "default"}}
    await to.post("/api/v1/namespaces/default/serviceaccounts", account)


def token_keys() -> AccountKeys:
    """A key pair for service accounts' tokens; an elliptic curve's is made in no time."""
    key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return AccountKeys(private, [key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)])
