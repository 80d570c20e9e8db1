"""A KMS plugin as a configuration names it: its provider, and who looks after that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from knarr.apiserver.encryption.configuration import KMS
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures
from knarr.storage.sealing.envelopes import Envelopes
from knarr.storage.sealing.plugins import Plugin
from knarr.storage.sealing.renewing import Renewal


class Plugged:
    """It is looked after from `start` on, until closed."""

    def __init__(
        self,
        kms: KMS,
        timeout: float,
        clock: Clock,
        figures: Figures,
        server: str,
        renewed: Callable[[], Awaitable[None]],
    ) -> None:
        self.timeout = timeout  # seconds
        self.envelopes = Envelopes(Plugin(kms.name, kms.endpoint, timeout, clock, figures), clock, figures, server)
        self.renewal = Renewal(self.envelopes, clock, figures, server, renewed)
        self._name = kms.name
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self.renewal.run(), name=f"KMS plugin {self._name}")

    async def close(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.renewal.close()
