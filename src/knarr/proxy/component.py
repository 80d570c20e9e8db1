"""The proxy component: it follows Services and EndpointSlices and keeps the kernel's table at what they ask for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from knarr.client.client import Client
from knarr.client.resources import ENDPOINT_SLICES, SERVICES
from knarr.machinery.clock import Clock
from knarr.proxy import sysctls
from knarr.proxy.claims import claims_of
from knarr.proxy.health import HealthPorts, health_of
from knarr.proxy.kernel import Table
from knarr.proxy.ledger import Ledger
from knarr.proxy.nftables import Nftables
from knarr.proxy.objects import HEADLESS, SERVICE_NAME, EndpointSlice, Service
from knarr.proxy.ruleset import Network, deletion
from knarr.runtime.informer import Informer

BY_SERVICE = "service"
PAUSE = 0.02  # seconds after a change in which further ones are gathered
SLICE = 50  # services that are thought over at a stretch: a few milliseconds
CHECK = 60.0  # seconds between looks whether somebody else has flushed the table


@dataclass(frozen=True, slots=True)
class Options:
    """The node that this is, the networks of the whole cluster's Pods and Services, and the table's name."""

    node: str
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    table: str = "knarr"

    @property
    def network(self) -> Network:
        return Network(self.pod_cidr, self.service_cidr)


class Proxy:
    """What is wanted, by the informers, and the table that is to hold it."""

    def __init__(self, client: Client, clock: Clock, options: Options, table: Table) -> None:
        self._clock, self._options, self._table = clock, options, table
        self.services = Informer(client, SERVICES, Service, clock=clock)
        self.slices = Informer(
            client,
            ENDPOINT_SLICES,
            EndpointSlice,
            label_selector=f"{SERVICE_NAME},!{HEADLESS}",
            indexes={BY_SERVICE: lambda piece: (piece.service,)},
            clock=clock,
        )
        self._ledger, self._health = Ledger(), HealthPorts()
        self._touched: dict[str, None] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Keep the table true until cancelled; it stays, and services go on, when this ends."""
        try:
            await self._follow()
        finally:
            await self._health.close()

    async def _follow(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for informer in (self.services, self.slices):
                tasks.create_task(informer.run())
            await self.services.wait_synced()
            await self.slices.wait_synced()
            self.services.add_handler(self._on_service)
            self.slices.add_handler(self._on_slice)
            tasks.create_task(self._check())
            self._wake.set()  # without any service the table is wanted too
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._bring_up_to_date()
                await self._clock.sleep(PAUSE)

    async def _bring_up_to_date(self) -> None:
        for number, key in enumerate(self._take_touched(), 1):
            await self._state(key)
            if number % SLICE == 0:
                await self._clock.sleep(0)
        if not await self._table.apply(self._ledger):
            await self._clock.sleep(self._table.backoff.next())
            self._wake.set()

    def _take_touched(self) -> dict[str, None]:
        touched, self._touched = self._touched, {}
        return touched

    async def _state(self, key: str) -> None:
        """Write down what the Service asks for now."""
        node, service = self._options.node, self.services.get(key)
        slices = self.slices.by_index(BY_SERVICE, key) if service else []
        self._ledger.state(key, claims_of(service, slices, node, self._options.network) if service else {})
        await self._health.state(key, health_of(service, slices, node) if service else None)

    async def _check(self) -> None:
        while True:
            await self._clock.sleep(CHECK)
            if not await self._table.intact():
                self._wake.set()

    def _on_service(self, old: Service | None, new: Service | None) -> None:
        self._touch(*(service.metadata.key for service in (old, new) if service))

    def _on_slice(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        self._touch(*(piece.service for piece in (old, new) if piece))

    def _touch(self, *keys: str) -> None:
        self._touched.update(dict.fromkeys(keys))
        self._wake.set()


async def run(client: Client, clock: Clock, options: Options) -> None:
    """Proxy until cancelled, and leave the table in place. Raises NftablesError where there is no libnftables."""
    sysctls.ensure()
    nftables = Nftables()
    try:
        await Proxy(client, clock, options, Table(nftables, options.table, options.network)).run()
    finally:
        nftables.close()


async def teardown(options: Options) -> None:
    """Remove the table and with it all that the proxy did. Raises NftablesError."""
    nftables = Nftables()
    try:
        await nftables.run(deletion(options.table))
    finally:
        nftables.close()
