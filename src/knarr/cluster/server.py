"""The server's parts: API server, controllers and scheduler; in one process, without sockets between them, or apart."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from knarr.client.client import Client
from knarr.cluster.apiserver import api_server
from knarr.cluster.config import Config
from knarr.cluster.identities import client
from knarr.cluster.running import together
from knarr.cluster.settings import settings_of
from knarr.cluster.stores import datastore_of
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures

log = logging.getLogger(__name__)


async def serve(config: Config, clock: Clock) -> None:
    """Run all of them in this process until cancelled."""
    async with api_server(config, clock) as server:
        await server.ready.wait()  # loading the others would only keep those waiting who ask whether it is
        figures = server.api.registry.metrics
        await together(
            controller_manager(config, clock, server.client("system:kube-controller-manager"), figures),
            scheduler(config, clock, server.client("system:kube-scheduler"), figures),
        )


async def controller_manager(
    config: Config, clock: Clock, api: Client | None = None, figures: Figures | None = None
) -> None:
    """The controllers, until cancelled; `figures` are where a server of this process shows its own."""
    from knarr.controllers.table import CONTROLLERS
    from knarr.runtime.manager import run_controllers

    api = api or client(config, "controller-manager")
    settings, name = settings_of(config), "kube-controller-manager"
    work = partial(run_controllers, CONTROLLERS, api, clock, component=name, settings=settings, figures=figures)
    await leading(config, api, clock, name, work, figures)


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
