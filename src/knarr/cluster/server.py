"""The server's parts: API server, controllers and scheduler; in one process, without sockets between them, or apart."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from knarr.client.client import Client
from knarr.cluster.accounts import Account, Accounts, TokenTransport
from knarr.cluster.apiserver.server import api_server
from knarr.cluster.config import Config
from knarr.cluster.identities import bearing, client
from knarr.cluster.running import together
from knarr.cluster.settings import settings_of
from knarr.cluster.stores import datastore_of
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures
from knarr.wire.messages import Transport

if TYPE_CHECKING:
    from knarr.runtime.controller import Controller

log = logging.getLogger(__name__)


async def serve(config: Config, clock: Clock) -> None:
    """Run all of them in this process until cancelled."""
    async with api_server(config, clock) as server:
        await server.ready.wait()  # loading the others would only keep those waiting who ask whether it is
        figures = server.api.registry.metrics
        await together(
            controller_manager(config, clock, server.client("system:kube-controller-manager"), figures, server.acting),
            scheduler(config, clock, server.client("system:kube-scheduler"), figures),
        )


async def controller_manager(
    config: Config,
    clock: Clock,
    api: Client | None = None,
    figures: Figures | None = None,
    acting: Callable[[Account], Transport] | None = None,
) -> None:
    """The controllers, until cancelled. A server of this process shows their `figures`, and knows whom they act as."""
    api = api or client(config, "controller-manager")
    accounts = None
    if config.controllers.identities.use_service_account_credentials:
        accounts = Accounts(api, acting or partial(TokenTransport, clock=clock, shared=bearing(config)))
    work = partial(control, api, accounts, clock, settings_of(config), figures)
    await leading(config, api, clock, "kube-controller-manager", work, figures)


async def control(
    api: Client, accounts: Accounts | None, clock: Clock, settings: Mapping[str, str], figures: Figures | None = None
) -> None:
    """Run the controllers until cancelled, each as its own account if there are any; `api` keeps their caches."""
    from knarr.controllers.table import CONTROLLERS
    from knarr.runtime.manager import run_controllers

    def acting(controller: Controller) -> Client:
        return accounts.client(controller.identity) if accounts and controller.identity else api

    name = "kube-controller-manager"
    work = run_controllers(CONTROLLERS, api, clock, component=name, acting=acting, settings=settings, figures=figures)
    identities = [controller.identity for controller in CONTROLLERS if controller.identity]
    await (together(accounts.make(identities, clock), work) if accounts else work)


async def scheduler(config: Config, clock: Clock, api: Client | None = None, figures: Figures | None = None) -> None:
    """The scheduler, until cancelled."""
    from knarr.scheduler.component import run

    api = api or client(config, "scheduler")
    await leading(config, api, clock, "kube-scheduler", partial(run, api, clock), figures)


async def leading(
    config: Config,
    api: Client,
    clock: Clock,
    name: str,
    work: Callable[[], Awaitable[None]],
    figures: Figures | None = None,
) -> None:
    """Work whenever nobody else does: on a store that is shared, under the lease that upstream's components take."""
    rules = config.elections
    if not (datastore_of(config).shared if rules.elect is None else rules.elect):
        await work()
        return
    from knarr.runtime.leader import LeaderElector, LeadershipLost, Times

    times, namespace = Times(rules.lease_duration, rules.renew_deadline, rules.retry_period), rules.resource_namespace
    identity = f"{config.node_name}_{uuid.uuid4()}"
    elector = LeaderElector(api, clock, name, identity, namespace=namespace, times=times, figures=figures)
    while True:
        try:
            await elector.run(work)
        except LeadershipLost as lost:
            log.warning("%s; it waits for its turn again", lost)
