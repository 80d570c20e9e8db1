"""The API server, composed: store, watch cache, resources, front, and the sockets it listens on."""

from __future__ import annotations

import asyncio
import logging
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
from knarr.apiserver.assembly import assemble
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
from knarr.apiserver.servers import attend
from knarr.apiserver.transport import InProcessTransport
from knarr.client.client import Client
from knarr.client.figures import RequestFigures
from knarr.cluster.accounts import Account, LocalTransport
from knarr.cluster.apiserver.authentication import extension_authentication
from knarr.cluster.apiserver.encrypting import encryption_of
from knarr.cluster.apiserver.listening import listen
from knarr.cluster.apiserver.security import options_of, security_of
from knarr.cluster.apiserver.trusting import keep_told
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.pki.renewing import keep
from knarr.cluster.stores import datastore_of, open_store, places
from knarr.machinery.clock import Clock
from knarr.storage.cache import WatchCache
from knarr.storage.store import StoreError
from knarr.wire.server import Server

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
        api = API(kinds, store, cache, clock, options_of(config, told))
        api.start()
        stack.callback(api.close)
        started = asyncio.Event()
        if audit := _audit(config, clock, api.registry.metrics):
            stack.push_async_callback(audit.close, GRACE)
        try:
            front = assemble(api, security_of(config), started, audit=audit, encryption=encryption)
        except ConfigFileError as error:
            raise UserError(str(error)) from None
        stack.callback(front.authorizer.close)
        stack.push_async_callback(front.kubelets.close)
        server = await listen(config, front.application)
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


def _audit(config: Config, clock: Clock, metrics: Metrics) -> Audit | None:
    if not config.api.audit.audit_policy_file:
        return None
    from knarr.cluster.apiserver.auditing import audit_of

    return audit_of(config.api.audit, clock, metrics)


def _tell(metrics: Metrics, server: Server, database: Path) -> None:
    """What the socket and the file of the store know. What etcd takes, etcd tells."""
    metrics.ask(BROKEN_HANDSHAKES, lambda: [((), server.broken_handshakes)])
    if database.is_file():
        files = [database, database.with_name(f"{database.name}-wal")]
        metrics.ask(STORAGE_SIZE, lambda: [((database.stem,), sum(f.stat().st_size for f in files if f.exists()))])
