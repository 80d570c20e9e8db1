"""The API server, composed: store, watch cache, resources, front, and the sockets it listens on."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from knarr.api.kinds.table import KINDS
from knarr.apiserver import bootstrap
from knarr.apiserver.aggregation import Aggregation
from knarr.apiserver.api import API
from knarr.apiserver.app import Application
from knarr.apiserver.assembly import Security, assemble
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.authz.reconciling import ensure_policy
from knarr.apiserver.clusterinfo import ClusterInfo, publish
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.foreign import decoder
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.families import BROKEN_HANDSHAKES, STORAGE_SIZE
from knarr.apiserver.preloading import preload
from knarr.apiserver.registry import Options
from knarr.apiserver.servers import attend
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.figures import RequestFigures
from knarr.cluster.accounts import Account, LocalTransport
from knarr.cluster.accounttokens import account_tokens
from knarr.cluster.authentication import (
    authentication,
    client_authorities,
    extension_authentication,
    proxy_authorities,
)
from knarr.cluster.authorizers import authorization
from knarr.cluster.config import Config
from knarr.cluster.encrypting import encryption_of
from knarr.cluster.errors import UserError
from knarr.cluster.renewing import keep
from knarr.cluster.stores import datastore_of, open_store, places
from knarr.cluster.trusting import keep_told
from knarr.machinery.clock import Clock
from knarr.storage.cache import WatchCache
from knarr.storage.store import StoreError
from knarr.wire.server import Server
from knarr.wire.tls import Strength, client_context, server_context

if TYPE_CHECKING:
    from knarr.apiserver.audit.auditing import Audit

log = logging.getLogger(__name__)

GRACE = 5.0  # seconds for requests under way when the server stops


@dataclass(slots=True)
class APIServer:
    """A running API server. Components of its own process reach it through `client`, best when it is `ready`."""

    application: Application
    api: API
    ready: asyncio.Event

    def client(self, user: str, *groups: str) -> Client:
        """A client in this process, by the identity `user`: the same chain, no socket."""
        identity = User(user, groups=(*groups, AUTHENTICATED))
        options = self.api.registry.options
        figures = RequestFigures(self.api.registry.metrics, f"{options.advertise_address}:{options.advertise_port}")
        transport, agent = InProcessTransport(self.application, identity), f"{user.rpartition(':')[2]}/knarr"
        return Client(transport, user_agent=agent, figures=figures)

    def acting(self, account: Account) -> LocalTransport:
        """Requests of a service account in this process."""
        return LocalTransport(account, self.application, self.api.registry)


@asynccontextmanager
async def api_server(config: Config, clock: Clock) -> AsyncIterator[APIServer]:
    """An API server for as long as the context lasts. Raises UserError where it cannot run."""
    async with AsyncExitStack() as stack:
        kinds = Kinds(KINDS)
        decode, encryption = decoder(kinds), await encryption_of(config, clock, kinds)
        if encryption:
            stack.push_async_callback(encryption.close)
        store = await open_store(config, clock, decode, forgetful=encryption is not None)
        stack.push_async_callback(store.close)
        if encryption:
            store = encryption.over(store, places(config), decode)
        cache = WatchCache(store, index_of(kinds), clock=clock)
        if encryption:
            encryption.use(cache)
        await cache.start()
        stack.push_async_callback(cache.stop)
        told = extension_authentication(config)
        api = API(kinds, store, cache, clock, _options(config, told))
        api.start()
        stack.callback(api.close)
        started = asyncio.Event()
        if audit := _audit(config, clock, api.registry.metrics):
            stack.push_async_callback(audit.close, GRACE)
        try:
            front = assemble(api, _security(config), started, audit=audit, encryption=encryption)
        except ConfigFileError as error:
            raise UserError(str(error)) from None
        stack.callback(front.authorizer.close)
        stack.push_async_callback(front.kubelets.close)
        _allow_connections()
        server = await _listen(config, front.application)
        stack.push_async_callback(server.close, GRACE)
        _tell(api.registry.metrics, server, datastore_of(config).path)
        stack.callback(front.application.stop)
        if datastore_of(config).shared:
            stack.push_async_callback(_ended, asyncio.create_task(attend(api.registry)))
        stack.callback(front.aggregation.close)
        keepers = (
            _bootstrap(api, started, _cluster_info(config)),
            _aggregate(front.aggregation, started),
            _preload(clock, started),
            keep(config, clock),
            keep_told(config, clock, told, partial(bootstrap.ensure, api.registry)),
            *([encryption.run()] if encryption else ()),
        )
        for keeper in keepers:
            stack.callback(asyncio.create_task(keeper).cancel)
        yield APIServer(front.application, api, started)


async def serve(config: Config, clock: Clock) -> None:
    """An API server by itself, until cancelled."""
    async with api_server(config, clock):
        await asyncio.Event().wait()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _bootstrap(api: API, started: asyncio.Event, info: ClusterInfo) -> None:
    told = ""
    while not started.is_set():
        try:
            await publish(api.registry, info)
            await bootstrap.ensure(api.registry)
            await ensure_policy(api.registry)
            started.set()
        except StoreError as error:  # a KMS plugin may be away
            if told != (told := str(error)):
                log.warning("the cluster's own objects cannot be written yet: %s", told)
            await api.registry.clock.sleep(bootstrap.RETRY_SECONDS)
    await bootstrap.run(api.registry)


def _cluster_info(config: Config) -> ClusterInfo:
    address = f"https://{config.node_ip}:{config.api_port}"
    return ClusterInfo(address, (config.pki / "ca.crt").read_bytes(), follows=config.roaming)


async def _aggregate(aggregation: Aggregation, started: asyncio.Event) -> None:
    """Nobody waits for this: what comes first comes first."""
    await started.wait()
    await aggregation.run()


async def _preload(clock: Clock, started: asyncio.Event) -> None:
    await started.wait()
    await preload(clock)


def _tell(metrics: Metrics, server: Server, database: Path) -> None:
    """What the socket and the file of the store know. What etcd takes, etcd tells."""
    metrics.ask(BROKEN_HANDSHAKES, lambda: [((), server.broken_handshakes)])
    if database.is_file():
        files = [database, database.with_name(f"{database.name}-wal")]
        metrics.ask(STORAGE_SIZE, lambda: [((database.stem,), sum(f.stat().st_size for f in files if f.exists()))])


def _audit(config: Config, clock: Clock, metrics: Metrics) -> Audit | None:
    if not config.api.audit.audit_policy_file:
        return None
    from knarr.cluster.auditing import audit_of

    return audit_of(config.api.audit, clock, metrics)


def _allow_connections() -> None:
    """Open as many files as the system grants, not the few that shells ask for: every connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _listen(config: Config, application: Application) -> Server:
    """Listen on loopback and on the node's own address, nowhere else."""
    pki, flags = config.pki, config.api.serving
    certificate, key = flags.tls_cert_file or pki / "apiserver.crt", flags.tls_private_key_file or pki / "apiserver.key"
    tls = server_context(
        Path(certificate),
        Path(key),
        client_authorities(config),
        proxy_ca=proxy_authorities(config),
        strength=_strength(config),
    )
    server = Server(application, tls=tls, oversized=application.oversized)
    try:
        for address in dict.fromkeys(("127.0.0.1", config.node_ip)):
            await server.listen(address, config.api_port)
    except OSError as error:
        await server.close(0)
        raise UserError(
            f"the API server cannot listen on port {config.api_port}: {error.strerror}; "
            f"choose another port with: knarr up --api-port"
        ) from None
    return server


def _strength(config: Config) -> Strength:
    flags = config.api.serving
    newest = flags.tls_min_version == "VersionTLS13"
    return Strength(ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2, flags.tls_cipher_suites)


def _options(config: Config, told: dict[str, str]) -> Options:
    first, _, last = config.node_ports.partition("-")
    return Options(
        service_cidr=ipaddress.IPv4Network(config.service_cidr),
        node_ports=range(int(first), int(last) + 1),
        advertise_address=config.node_ip,
        advertise_port=config.api_port,
        extension_authentication=told,
    )


def _security(config: Config) -> Security:
    pki = config.pki
    return Security(
        kubelet_tls=kubelet_context(config),
        accounts=account_tokens(config),
        authentication=authentication(config),
        authorization=authorization(config),
        front_proxy=(pki / "front-proxy-client.crt", pki / "front-proxy-client.key"),
    )


def kubelet_context(config: Config) -> ssl.SSLContext:
    """What connections to kubelets are made with."""
    flags, own = config.api.kubelets, config.pki / "apiserver-kubelet-client"
    certificate, key = flags.kubelet_client_certificate or f"{own}.crt", flags.kubelet_client_key or f"{own}.key"
    return client_context(
        Path(flags.kubelet_certificate_authority or config.pki / "ca.crt"), Path(certificate), Path(key)
    )
