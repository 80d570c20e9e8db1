"""The server's parts: API server, controllers and scheduler; in one process, without sockets between them, or apart."""

from __future__ import annotations

from knarr.client.client import Client
from knarr.cluster.apiserver import api_server
from knarr.cluster.config import Config
from knarr.cluster.identities import client
from knarr.cluster.running import together
from knarr.machinery.clock import Clock


async def serve(config: Config, clock: Clock) -> None:
    """Run all of them in this process until cancelled."""
    async with api_server(config, clock) as server:
        await server.ready.wait()  # loading the others would only keep those waiting who ask whether it is
        await together(
            controller_manager(config, clock, server.client("system:kube-controller-manager")),
            scheduler(config, clock, server.client("system:kube-scheduler")),
        )


async def controller_manager(config: Config, clock: Clock, api: Client | None = None) -> None:
    """The controllers, until cancelled."""
    from knarr.controllers.table import CONTROLLERS
    from knarr.runtime.manager import run_controllers

    api = api or client(config, "controller-manager")
    settings = {"root-ca-file": (config.pki / "ca.crt").read_text()}
    await run_controllers(CONTROLLERS, api, clock, component="kube-controller-manager", settings=settings)


async def scheduler(config: Config, clock: Clock, api: Client | None = None) -> None:
    """The scheduler, until cancelled."""
    from knarr.scheduler.component import run

    await run(api or client(config, "scheduler"), clock)
